"""What processes that fork and talk need, whatever they do: no Django, no authoring, small enough for every fork."""
