"""Every row that is written pays for every index of its table: none may stand twice."""

import pytest
from django.db import connection

# An index whose columns another one begins with; those for a part of the rows, and unique ones, say more than that.
TWICE = """
SELECT one.indexrelid::regclass::text
  FROM pg_index AS one JOIN pg_index AS other ON other.indrelid = one.indrelid AND other.indexrelid <> one.indexrelid
  JOIN pg_class AS of ON of.oid = one.indrelid
 WHERE of.relname ~ %s AND one.indpred IS NULL AND other.indpred IS NULL AND one.indexprs IS NULL
   AND NOT one.indisunique
   -- As text these are lists of numbers.
   AND starts_with(other.indkey::text || ' ', one.indkey::text || ' ')
   AND starts_with(other.indclass::text || ' ', one.indclass::text || ' ')
   AND starts_with(other.indoption::text || ' ', one.indoption::text || ' ')
 ORDER BY 1
"""
# Django adds one for «begins with» to every foreign key of letters; nobody asks for the beginning of a code there.
BEGINNINGS = r"""
SELECT indexname FROM pg_indexes
 WHERE tablename ~ %s AND indexname ~ '_(municipality|origin|destination)_id_.*_like$' ORDER BY 1
"""
#: Tables that take rows with every move.
BUSY = (
    "^(relocations_(relocation|version|leg|mover|report|event|deadline|alert)|deliveries_(delivery|event|receipt)"
    "|procedures_(task|step|answersheet)|duplicates_mark|fidelity_substitution|api_consent|audit_entry)$"
)


@pytest.mark.django_db
@pytest.mark.parametrize("statement", [TWICE, BEGINNINGS], ids=["prefixes", "beginnings"])
def test_no_index_stands_twice(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [BUSY])
        assert [name for (name,) in cursor.fetchall()] == []
