"""What the product is made of: the bill of materials, and the rules that libraries must meet."""
