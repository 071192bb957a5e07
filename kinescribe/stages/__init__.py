"""The rooms: each takes records and returns one; ``pipeline.STAGES`` holds their order."""
