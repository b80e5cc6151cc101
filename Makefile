# Every target is a command of tools/book.py, which also runs without make:
#   python tools/book.py book
PYTHON ?= python3

.PHONY: book test stress html slides paper notebooks bench bench-peers lab lint lock clean
book test stress html slides paper notebooks bench bench-peers lab lint lock clean:
	@$(PYTHON) tools/book.py $@ $(ARGS)
