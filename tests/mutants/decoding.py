"""Protections of the decoders: bounds before anything is created, and one strict meaning at every entry point."""

from typing import Final

from tests.mutants.mutant import Mutant

BATCHES: Final = "tests/unit/messaging/kafka/test_record_batches.py"
FORMAT: Final = "tests/unit/messaging/kafka/test_record_format.py"
FETCHER: Final = "tests/unit/messaging/kafka/test_bounded_fetcher.py"
CONSUMER: Final = "tests/unit/messaging/kafka/test_consumer.py"
EVENTS: Final = "tests/unit/contracts/test_cloudevents.py"
STRICT: Final = "tests/unit/contracts/test_strict_json.py"
BODIES: Final = "tests/unit/runtime/test_json_bodies.py"
QUERIES: Final = "tests/unit/runtime/test_query_parameters.py"
HEADS: Final = "tests/unit/runtime/test_http_head.py"
CONNECTIONS: Final = "tests/unit/runtime/test_http_limits.py"
AMPLIFYING: Final = (
    Mutant(
        "counts-headers-afterwards",
        "samenspel.messaging.kafka.record_format:record_lengths",
        "plain[at] not in _FEW_HEADERS or ",
        "",
        f"{BATCHES}::test_header_bomb_is_answered_without_its_headers",
    ),
    Mutant(
        "creates-every-header",
        "samenspel.messaging.kafka.record_format:record_at",
        "range(min(count, HEADERS_MAX))",
        "range(count)",
        f"{FORMAT}::test_headers_are_counted_before_they_are_created",
    ),
    Mutant(
        "no-limit-on-record-headers",
        "samenspel.contracts.cloudevents:from_kafka",
        "len(headers) > ATTRIBUTES_MAX",
        "False",
        f"{EVENTS}::test_attributes_are_counted_in_every_mode",
    ),
    Mutant(
        "no-limit-on-event-headers",
        "samenspel.contracts.cloudevents:from_http",
        "number > ATTRIBUTES_MAX",
        "False",
        f"{EVENTS}::test_attributes_are_counted_in_every_mode",
    ),
    Mutant(
        "no-limit-on-members",
        "samenspel.contracts.cloudevents:_from_object",
        "number > ATTRIBUTES_MAX",
        "False",
        f"{EVENTS}::test_attributes_are_counted_in_every_mode",
    ),
    Mutant(
        "no-limit-on-fields-of-a-head",
        "samenspel.runtime.http_limits:LimitedConnection.on_header",
        "self._fields > FIELDS_MAX",
        "False",
        f"{CONNECTIONS}::test_fields_of_a_head_are_counted",
    ),
    Mutant(
        "unfolds-everything",
        "samenspel.messaging.kafka.record_batches:SafeRecordBatch._gunzip",
        "[_RECORDS_AT:], DECOMPRESSED_BYTES_MAX)",
        "[_RECORDS_AT:])",
        f"{BATCHES}::test_batch_beyond_the_limit_of_decompressed_bytes_is_lost_whole",
    ),
    Mutant(
        "no-total-of-a-response",
        "samenspel.messaging.kafka.record_batches:SafeMemoryRecords.has_next",
        "self.decoded_bytes > DECOMPRESSED_BYTES_MAX",
        "False",
        f"{BATCHES}::test_fetch_response_ends_after_the_limit_of_decompressed_bytes",
    ),
    Mutant(
        "no-total-of-waiting-batches",
        "samenspel.messaging.kafka.consumer:PartitionConsumer._after_decompression",
        "> WAITING_BYTES_MAX",
        "< 0",
        f"{CONSUMER}::test_decompressed_batches_of_many_partitions_are_fetched_again_at_their_turn",
    ),
    Mutant(
        "no-total-of-records-handed-on",
        "samenspel.messaging.kafka.consumer:PartitionConsumer._drain",
        " or space <= 0",
        "",
        f"{CONSUMER}::test_large_records_of_many_partitions_are_handed_on_in_several_batches",
    ),
    Mutant(
        "fetches-into-full-memory",
        "samenspel.messaging.kafka.bounded_fetcher:BoundedFetcher._get_actions_per_node",
        "buffered >= 2 * BUFFERED_BYTES",
        "False",
        f"{FETCHER}::test_no_fetch_is_sent_while_too_many_bytes_wait",
    ),
    Mutant(
        "fetches-as-much-as-ever",
        "samenspel.messaging.kafka.bounded_fetcher:BoundedFetcher._get_actions_per_node",
        "min(max(share, PARTITION_BYTES[0]), PARTITION_BYTES[-1])",
        "PARTITION_BYTES[-1]",
        f"{FETCHER}::test_share_of_a_partition_shrinks_as_the_memory_fills",
    ),
    Mutant(
        "parses-text-of-any-size",
        "samenspel.contracts.strict_json:decode",
        "len(text) > bytes_max",
        "False",
        f"{STRICT}::test_text_above_a_limit_is_refused_before_it_is_parsed",
    ),
    Mutant(
        "parses-any-number-of-values",
        "samenspel.contracts.strict_json:decode",
        "_separators_in(text) > separators_max",
        "False",
        f"{STRICT}::test_text_above_a_limit_is_refused_before_it_is_parsed",
    ),
    Mutant(
        "validates-any-number-of-values",
        "samenspel.contracts.strict_json:require_few_values",
        "_has_more_values(value, VALUES_MAX)",
        "False",
        f"{BODIES}::test_invalid_body_is_refused_with_codes_and_fields",
    ),
    Mutant(
        "nests-without-end",
        "samenspel.contracts.strict_json:decode",
        "is_deeper(value, depth_max)",
        "False",
        f"{STRICT}::test_text_beyond_the_depth_limit_is_always_refused",
    ),
    Mutant(
        "nests-without-end-in-a-batch",
        "samenspel.contracts.cloudevents:from_item",
        "is_deeper(item, DEPTH_MAX + 1)",
        "False",
        f"{EVENTS}::test_items_of_a_batch_are_decoded_one_by_one_at_their_index",
    ),
    Mutant(
        "collects-all-problems",
        "samenspel.contracts.problems:Rejected.__init__",
        "problems[:PROBLEMS_MAX]",
        "problems",
        "tests/unit/contracts/test_problems.py::test_rejection_keeps_the_first_problems_and_counts_the_others",
    ),
    Mutant(
        "answers-with-all-problems-of-a-batch",
        "samenspel.messaging.ingress.http_api:_with_few_problems",
        "[: max(1, left)]",
        "[:]",
        "tests/unit/messaging/ingress/test_http_api.py::test_problems_of_a_batch_are_bounded_in_total",
    ),
    Mutant(
        "decodes-while-it-waits",
        "samenspel.messaging.ingress.http_api:event_router",
        "async with submitter.turns.slot(organisation):",
        "if True:",
        "tests/unit/messaging/ingress/test_http_api.py::test_events_are_decoded_in_the_turn_of_their_organisation",
    ),
    Mutant(
        "large-requests-without-a-total",
        "samenspel.runtime.http_limits:LimitedConnection.data_received",
        "in_progress.bytes > IN_PROGRESS_BYTES_MAX",
        "False",
        f"{CONNECTIONS}::test_large_requests_together_are_bounded_and_small_ones_are_served",
    ),
    Mutant(
        "queues-pipelined-requests",
        "samenspel.runtime.http_limits:LimitedConnection.on_headers_complete",
        "len(self.pipeline) >= PIPELINED_MAX",
        "False",
        f"{CONNECTIONS}::test_pipelined_requests_are_few",
    ),
    Mutant(
        "long-items-without-a-pause",
        "samenspel.runtime.cooperative:yielding",
        " or time.monotonic() - began > SECONDS_PER_YIELD",
        "",
        "tests/unit/runtime/test_cooperative.py::test_loop_with_expensive_items_lets_other_tasks_run_after_each",
    ),
)
MEANING: Final = (
    Mutant(
        "media-types-with-case",
        "samenspel.contracts.media_types:_media_type",
        ".strip().lower()",
        ".strip()",
        "tests/unit/contracts/test_media_types.py::test_type_and_subtype_are_in_lower_case_without_parameters",
    ),
    Mutant(
        "last-of-two-keys",
        "samenspel.contracts.strict_json:parse",
        "duplicate := duplicated_key(text, value)",
        "duplicate := None",
        f"{STRICT}::test_text_with_a_duplicate_key_has_no_value",
    ),
    Mutant(
        "last-of-two-keys-in-a-batch",
        "samenspel.contracts.cloudevents:_from_items",
        "duplicates.get(index)",
        "None",
        f"{EVENTS}::test_items_of_a_batch_are_decoded_one_by_one_at_their_index",
    ),
    Mutant(
        "last-of-two-keys-in-a-subscription",
        "services.notifier.api.subscriptions:SubscriptionService.create",
        "parse_body(SubscriptionRequest, body)",
        "SubscriptionRequest.model_validate_json(body)",
        "tests/unit/services/notifier/api/test_subscriptions.py"
        "::test_invalid_request_is_a_problem_and_submits_nothing",
    ),
    Mutant(
        "last-of-two-keys-in-a-file",
        "samenspel.client.submit.json_lines:_entries",
        "problem = duplicated_key(text, value)",
        "problem = None",
        "tests/unit/client/submit/test_json_lines.py::test_every_unreadable_line_is_named",
    ),
    Mutant(
        "last-of-two-headers",
        "samenspel.contracts.cloudevents:_read_header",
        "name in envelope.attributes",
        "False",
        f"{EVENTS}::test_repeated_header_is_a_problem_and_never_the_last_value",
    ),
    Mutant(
        "last-of-two-record-headers",
        "samenspel.contracts.cloudevents:from_kafka",
        "if len(last) == len(headers):",
        "if True:",
        f"{EVENTS}::test_repeated_header_is_a_problem_and_never_the_last_value",
    ),
    Mutant(
        "one-of-two-content-types",
        "samenspel.contracts.cloudevents:from_http",
        "len(content_types) > 1",
        "False",
        f"{EVENTS}::test_repeated_content_type_is_refused_before_the_mode_is_chosen",
    ),
    Mutant(
        "escaped-strings-count-as-keys",
        "samenspel.contracts.strict_json:has_same_keys",
        'and b"\\\\u" not in text',
        "",
        f"{STRICT}::test_quick_check_of_keys_compares_numbers_of_keys",
    ),
    Mutant(
        "encoded-data-counts-as-keys",
        "samenspel.contracts.cloudevents:from_structured",
        'b"" if envelope.parsed is UNPARSED else envelope.data',
        "envelope.data",
        f"{EVENTS}::test_repeated_key_beside_encoded_data_is_a_problem",
    ),
    Mutant(
        "refuses-encoded-data",
        "samenspel.contracts.cloudevents:_read_data",
        "if encoded is None:",
        "if True:",
        "tests/unit/contracts/test_submissions_entry_points.py::test_data_in_base64_is_the_same_submission",
    ),
    Mutant(
        "short-names-only",
        "samenspel.contracts.attribute_rules:_NAME",
        "{{1,{ATTRIBUTE_CHARS_MAX}}}",
        "{{1,20}}",
        "tests/unit/contracts/test_attribute_rules.py"
        "::test_name_of_lower_case_letters_and_digits_is_valid_at_any_length",
    ),
    Mutant(
        "refuses-a-byte-order-mark",
        "samenspel.contracts.strict_json:decode",
        "text = without_bom(text)",
        "pass",
        f"{STRICT}::test_byte_order_mark_is_ignored_once",
    ),
    Mutant(
        "any-content-type-is-json",
        "samenspel.runtime.json_bodies:read_json",
        "len(given) < 2 and media_type(given[0] if given else JSON) == JSON",
        "True",
        f"{BODIES}::test_content_type_is_json_in_any_spelling",
    ),
    Mutant(
        "ignores-unknown-parameters",
        "samenspel.runtime.query_parameters:_problems",
        "name not in known",
        "False",
        f"{QUERIES}::test_unknown_parameter_of_a_request_that_changes_something_is_refused",
    ),
    Mutant(
        "one-of-two-parameters",
        "samenspel.runtime.query_parameters:_problems",
        "names.count(name) > 1",
        "False",
        f"{QUERIES}::test_repeated_parameter_is_refused",
    ),
    Mutant(
        "control-characters-in-parameters",
        "samenspel.runtime.query_parameters:_problems",
        "value is None or not _is_text(value)",
        "False",
        f"{QUERIES}::test_unreadable_value_is_refused_before_it_reaches_the_database",
    ),
    Mutant(
        "routes-without-the-check",
        "samenspel.runtime.http:_add_description",
        "dependencies=[_KNOWN_PARAMETERS]",
        "dependencies=[]",
        f"{QUERIES}::test_description_and_schemas_have_no_parameters",
    ),
    Mutant(
        "decodes-an-encoded-slash",
        "samenspel.runtime.http_head:_refusal_of_path",
        "_AMBIGUOUS.search(path)",
        "False",
        f"{HEADS}::test_ambiguous_or_oversized_head_is_refused",
    ),
    Mutant(
        "one-of-two-hosts",
        "samenspel.runtime.http_head:_refusal_of_host",
        "len(hosts) > 1 or ",
        "",
        f"{HEADS}::test_ambiguous_or_oversized_head_is_refused",
    ),
    Mutant(
        "heads-unchecked",
        "samenspel.runtime.http_limits:LimitedConnection.on_headers_complete",
        "refusal := refusal_of_head(self.parser.get_http_version(), self.url, self.headers)",
        "refusal := ()",
        f"{CONNECTIONS}::test_head_that_http_forbids_is_refused_and_closed",
    ),
    Mutant(
        "trailer-fields-in-the-head",
        "samenspel.runtime.http_limits:LimitedConnection.on_header",
        "if self._in_head:",
        "if True:",
        f"{CONNECTIONS}::test_trailer_fields_are_no_part_of_the_head",
    ),
    Mutant(
        "any-transfer-coding",
        "samenspel.runtime.http_head:_refusal_of_coding",
        """any(coding.strip().lower() != b"chunked" for coding in codings) or len(codings) > 1""",
        "False",
        f"{HEADS}::test_ambiguous_or_oversized_head_is_refused",
    ),
    Mutant(
        "trusts-the-length-of-fractions",
        "samenspel.contracts.submissions:_parsed",
        " and not _FRACTION.search(content)",
        "",
        "tests/unit/contracts/test_submissions_entry_points.py"
        "::test_number_that_becomes_longer_hides_no_duplicate_key",
    ),
    Mutant(
        "row-numbers-beyond-the-database",
        "samenspel.messaging.operator.requests:RowNumber",
        "ge=0, le=INT64_MAX",
        "ge=0",
        "tests/unit/messaging/operator/test_requests.py::test_number_of_a_row_fits_the_database",
    ),
)
DECODING: Final = (*AMPLIFYING, *MEANING)
