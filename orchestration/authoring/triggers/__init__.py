"""What deferred tasks wait for, as coroutines that the triggerer runs."""
