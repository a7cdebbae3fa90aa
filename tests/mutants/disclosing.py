"""Protections of private values, and of readers against text that acts on their terminal."""

from typing import Final

from tests.mutants.mutant import Mutant

DISCLOSING: Final = (
    Mutant(
        "takes-any-kind-of-token",
        "samenspel.runtime.tokens:TokenVerifier._verified",
        'not _is_access_token(decoded.header.get("typ"))',
        "False",
        "tests/unit/runtime/test_tokens.py::test_another_kind_of_token_of_the_issuer_is_refused",
    ),
    Mutant(
        "calls-any-port",
        "services.notifier.endpoints.addresses:parse",
        "port not in PORTS",
        "False",
        "tests/unit/services/notifier/endpoints/test_addresses.py::test_other_url_is_refused",
    ),
    Mutant(
        "calls-special-addresses",
        "services.notifier.endpoints.addresses:is_allowed",
        "address not in _GLOBAL_UNICAST",
        "False",
        "tests/unit/services/notifier/endpoints/test_addresses.py::test_internal_address_is_refused",
    ),
    Mutant(
        "leaves-other-databases-open",
        "deploy.local.postgres_node.databases:Databases._ensure",
        "await connection.execute(CLOSE_OTHERS)",
        "pass",
        "tests/integration/deploy/local/postgres_node/test_databases.py::test_service_enters_its_own_database_only",
    ),
    Mutant(
        "read-by-everybody",
        "samenspel.messaging.service.read_admission:ReadAdmission.require",
        "organisation == self._operator",
        "True",
        "tests/integration/messaging/service/test_read_admission.py"
        "::test_organisation_that_was_never_admitted_reads_nothing",
    ),
    Mutant(
        "publishes-a-guessable-hash",
        "samenspel.contracts.submission_hashes:HashKeys.published",
        "if not has_private_part:",
        "if True:",
        "tests/integration/messaging/inbox/test_keyed_answers.py::test_no_reader_can_try_amounts",
    ),
    Mutant(
        "forgets-former-hash-keys",
        "samenspel.contracts.submission_hashes:HashKeys.parse",
        "return cls({key_id_of(key): key for key in keys}, lost)",
        "return cls({key_id_of(key): key for key in keys[:1]}, lost)",
        "tests/integration/messaging/inbox/test_keyed_answers.py::test_sent_again_after_a_restore_or_a_rotation_it_is_repeated",
    ),
    Mutant(
        "silent-about-a-missing-hash-key",
        "samenspel.messaging.service.hash_key_check:HashKeyCheck.refresh",
        "await keyed_answers.missing_keys(connection, self.keys)",
        "()",
        "tests/integration/messaging/inbox/test_keyed_answers.py::test_without_the_key_it_is_said_and_nothing_is_decided",
    ),
    Mutant(
        "derives-ids-from-private-values",
        "samenspel.client.submit.statements:statement",
        "{} if kind.has_private_part else data",
        "data",
        "tests/unit/contracts/test_submission_hashes.py::test_id_of_a_statement_depends_on_no_private_value",
    ),
    Mutant(
        "lets-foreign-text-act",
        "samenspel.cli.console:plain",
        "Text(with_symbols(text))",
        "Text(text)",
        "tests/unit/cli/test_console_plain.py::test_foreign_text_is_shown_and_does_nothing",
    ),
    Mutant(
        "accepts-control-characters",
        "samenspel.contracts.values:_readable",
        "if found := refusing.search(value):",
        "if found := None:",
        "tests/unit/contracts/test_jsonschema_equality.py::test_model_and_schema_agree_on_special_texts_in_every_field",
    ),
    Mutant(
        "reads-digits-as-dates",
        "samenspel.contracts.values:_written_as",
        "if not form.fullmatch(value):",
        "if value.isdecimal() and int(value) < 10**9:\n"
        "            return date.fromtimestamp(int(value))\n"
        "        if not form.fullmatch(value):",
        "tests/unit/contracts/test_jsonschema_equality.py::test_model_and_schema_agree_on_special_texts_in_every_field",
    ),
    Mutant(
        "delivers-subscriptions-of-others",
        "services.notifier.deliveries.queue:INSERT_DELIVERIES",
        "(f.topic <> $7 or f.organisation = s.organisation)",
        "$7::text is not null",
        "tests/integration/services/notifier/deliveries/test_queue.py"
        "::test_subscription_of_another_organisation_is_not_delivered",
    ),
    Mutant(
        "books-own-faults-on-the-receiver",
        "services.notifier.deliveries.attempts:record_attempts",
        "[each for each in results if not each.response_class.own_fault]",
        "results",
        "tests/integration/services/notifier/deliveries/test_attempts.py"
        "::test_fault_of_the_notifier_is_not_booked_on_the_receiver",
    ),
    Mutant(
        "forgets-a-replaced-secret",
        "services.notifier.store.endpoints:rotate",
        "await connection.execute(KEEP_REPLACED, *endpoint, ROTATION_HOURS)",
        "pass",
        "tests/integration/services/notifier/deliveries/test_queue.py"
        "::test_each_replaced_secret_signs_until_its_own_end",
    ),
    Mutant(
        "signs-with-a-secret-in-memory-for-ever",
        "services.notifier.endpoints.signing:SecretBox.signer",
        "return self._signers(encrypted)",
        "return self.__dict__.setdefault('kept', self._signers(encrypted))",
        "tests/unit/services/notifier/endpoints/test_signing.py::test_secret_in_memory_never_outlives_its_rotation",
    ),
    Mutant(
        "decrypted-secrets-without-bound",
        "services.notifier.endpoints.signing:SecretBox.__init__",
        "lru_cache(SIGNERS_MAX)",
        "lru_cache(None)",
        "tests/unit/services/notifier/endpoints/test_signing.py::test_number_of_secrets_in_memory_is_bounded",
    ),
    Mutant(
        "claims-without-recording",
        "services.notifier.deliveries.worker:DeliveryWorker._claimed",
        "len(self._results) >= self._limits.total",
        "False",
        "tests/unit/services/notifier/deliveries/test_worker_loops.py::test_results_that_cannot_be_recorded_are_bounded",
    ),
)
