"""Asking language models: ``messages`` is what is asked and answered, ``client`` asks.

    model = client.shared("openai:gpt-4o-mini")  # or openai:MODEL@URL, scripted:FILE
    words = prompts.load("ask").render(count=3)
    request = Request((Text(words.user), seen.frames), words.system, Question, prompt=words.identity)
    question = model.ask(request).value_of(Question)

An ``Answer`` that is not ``ok`` says why; where no further call can succeed, asking raises.
"""
