"""Facts → status → verdict: functions of records alone."""
