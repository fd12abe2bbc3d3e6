"""What the commands do: parse nothing, call a service or read rows, print. A module per noun or verb."""
