# SPDX-License-Identifier: MIT
"""What comments of C sources say, in pages: the directive kernel-doc.

::

    .. kernel-doc:: driver/fxq_ring.c
       :doc:

has the file's DOC: blocks; without ``:doc:`` it is all that has a comment:
structures and enums with their definition, functions with what they take and
return. Comments are written as the kernel's are, so its own tools read them
too; those are not needed to build these pages.
"""
import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList

ROOT = Path(__file__).resolve().parent.parent
COMMENT = re.compile(r'/\*\*\n(.*?)\n[ \t]*\*/\n', re.S)
HEAD = re.compile(r'(?:(struct|enum|union) )?(\w+)(?:\(\))? - (.*)')
ITEM = re.compile(r'(?:@(\w+)|(Return)):\s*(.*)')


def blocks(source):
    """Each comment without its stars, and the text that follows it."""
    for match in COMMENT.finditer(source):
        lines = [re.sub(r'^[ \t]*\* ?', '', line)
                 for line in match[1].split('\n')]
        yield lines, source[match.end():]


def names(text):
    """@name, as comments say it, in the type of code."""
    return re.sub(r'(?<![\w@])@(\w+)', r'``\1``', text)


def split(lines):
    """The named items, what is returned, and the paragraphs of a comment."""
    items, returns, prose, into = [], [], [], None
    for line in lines:
        item = ITEM.match(line)
        if item and item[1]:
            into = [item[3]]
            items.append((item[1], into))
        elif item:
            into = returns
            into.append(item[3])
        elif not line.strip():
            into = prose
            into.append('')
        elif into is prose or into is None:
            prose.append(line)
        else:
            into.append(line.strip())
    return items, returns, prose


def definition(after):
    """The declaration that follows a structure's or an enum's comment."""
    end = re.search(r'^}.*?;', after, re.M | re.S)
    return after[:end.end()].split('\n')


def prototype(after):
    """The head of the function that follows."""
    head = ' '.join(re.split(r'[{;]', after, maxsplit=1)[0].split())
    return re.sub(r'^(static |inline )+', '', head)


def declare(lines, after):
    kind, name, brief = HEAD.match(lines[0]).groups()
    rest = lines[1:]
    while rest and rest[0].strip() and not ITEM.match(rest[0]):
        brief += ' ' + rest.pop(0).strip()
    items, returns, prose = split(rest)
    target = f'c:{kind}:: {name}' if kind else f'c:function:: {prototype(after)}'
    stop = '' if brief[-1] in '.?' else '.'
    body = [names(brief[0].upper() + brief[1:] + stop), '']
    body += [names(line) for line in prose] + ['']
    if kind:
        body += ['.. code-block:: c', '']
        body += ['   ' + line for line in definition(after)] + ['']
    for item, text in items:
        body += [f'``{item}``', '   ' + names(' '.join(text)), '']
    if returns:
        body += ['*Returns* ' + names(' '.join(returns)), '']
    return [f'.. {target}', ''] + ['   ' + line for line in body]


class KernelDoc(Directive):
    required_arguments = 1
    option_spec = {'doc': directives.flag}

    def run(self):
        path = ROOT / self.arguments[0]
        self.state.document.settings.env.note_dependency(str(path))
        text = []
        for lines, after in blocks(path.read_text()):
            prose = lines[0].startswith('DOC:')
            if prose and 'doc' in self.options:
                text += [names(line) for line in lines[1:]] + ['']
            elif not prose and 'doc' not in self.options:
                text += declare(lines, after)
        if not text:
            raise self.error(f'{path} has no such comment')
        node = nodes.section()
        node.document = self.state.document
        self.state.nested_parse(StringList(text, str(path)), 0, node)
        return node.children


def setup(app):
    app.add_directive('kernel-doc', KernelDoc)
    return {'parallel_read_safe': True}
