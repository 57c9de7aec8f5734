"""Edges of the state. `redis_*`: Redis, with an embedded server if need be; `dict_store`: memory. The only owner of redis."""
