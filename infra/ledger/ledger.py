"""The ledger: what is built, measured, decided, released and settled by people. The one arbiter where two processes disagree."""

from __future__ import annotations

from nightdub.infra.ledger.backup import Backup
from nightdub.infra.ledger.erasure import Erasure
from nightdub.infra.ledger.jobs import Jobs
from nightdub.infra.ledger.judgements import Judgements
from nightdub.infra.ledger.outcomes import Outcomes
from nightdub.infra.ledger.overview import Overview
from nightdub.infra.ledger.retention import Retention
from nightdub.infra.ledger.studio import Studio
from nightdub.infra.ledger.titles import Titles


class Ledger(Backup, Jobs, Titles, Outcomes, Judgements, Studio, Retention, Erasure, Overview):
    """One ledger, safe to share between threads; each method is one transaction.

    Every method may raise LedgerUnavailable (locked, unreachable: try again) and LedgerError (broken, or another schema: mend it).
    """
