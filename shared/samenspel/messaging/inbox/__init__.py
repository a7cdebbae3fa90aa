"""Inbox: first answers, deferrals, quarantine and ingress offsets. They make receiving idempotent."""
