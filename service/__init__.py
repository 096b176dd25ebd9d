"""The question-answering service: retrieval, answers, citations and their HTTP, chat and command-line doors."""
