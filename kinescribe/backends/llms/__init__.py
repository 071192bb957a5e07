"""Language models (``llm.client.model_of("openai:MODEL@URL")``): one call each, and nothing around it."""
