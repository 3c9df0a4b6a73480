"""Who: residents, households, organisations, teams, duties, rosters, consents, access facts."""
