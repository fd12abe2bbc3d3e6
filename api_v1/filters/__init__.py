"""The parameters of each list, one filterset per resource."""
