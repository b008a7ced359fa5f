# SPDX-License-Identifier: MIT
# Built by `make docs`: sphinx-build -W, so that every warning is an error.
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = 'fxq'
author = 'the fxq founders'
extensions = ['kerneldoc']
root_doc = 'index'
exclude_patterns = []
html_theme = 'alabaster'
highlight_language = 'none'
man_pages = [
    ('man/fxq-run', 'fxq-run', 'compile, run and inspect networks', author, 1),
    ('man/fxq-emu', 'fxq-emu', 'an accelerator for virtual machines', author,
     1),
]
