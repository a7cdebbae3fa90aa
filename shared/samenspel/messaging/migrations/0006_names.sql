-- Names of the field for tables and columns. The last rename without two versions side by side.
alter table door rename to ingress_offset;
alter table published rename to relay_progress;
alter table position rename to checkpoint;
alter table waiting rename to deferral;
alter table lane rename column compared to reconciled;
alter index waiting_queue rename to deferral_queue;
alter index quarantine_settled rename to quarantine_resolved;
alter table quarantine rename constraint waited to from_deferral;
