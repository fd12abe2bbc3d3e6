"""The command line: what there is to say (groups, commands, options), read without loading Django."""
