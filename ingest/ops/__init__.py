"""Looking after a knowledge base: is it well (``doctor``), does it hold what it says (``verify``), copies of it (``backup``)."""
