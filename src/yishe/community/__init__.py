"""What the neighbourhood offers. This room is kept free on purpose.

It will hold the directory of resources (eligibility, capacity, hours), volunteers and their rosters, groups and
activities, the community council with its liaisons, partner organisations and their limited desks, and the points
ledger. It stands above ``loops``, because matching a resource makes a promise, and below ``care``.
"""
