"""Protections of a start in a hostile environment: settings, logs, dependencies, profiles and replica files."""

from typing import Final

from tests.mutants.mutant import Mutant

STARTING: Final = (
    Mutant(
        "reads-the-first-part-of-the-keys",
        "samenspel.runtime.issuer_keys:_read_whole",
        "async for chunk in content.iter_any():",
        "for chunk in [await content.readany()]:",
        "tests/unit/runtime/test_issuer_keys.py::test_a_key_set_that_arrives_in_parts_is_read_whole",
    ),
    Mutant(
        "reads-deep-keys",
        "samenspel.runtime.issuer_keys:IssuerKeys._read_again",
        "                RecursionError,\n",
        "",
        "tests/unit/runtime/test_issuer_keys.py::test_a_key_file_without_end_is_not_read",
    ),
    Mutant(
        "starts-with-any-database-address",
        "samenspel.runtime.settings:ServiceSettings._valid_dsn",
        "_require_dsn(value)",
        "pass",
        "tests/unit/runtime/test_settings_mistakes.py"
        "::test_an_address_of_postgresql_that_cannot_be_read_ends_the_start",
    ),
    Mutant(
        "resolves-names-in-threads",
        "services.notifier.endpoints.addresses:GuardedResolver.__init__",
        "AsyncResolver(timeout=DNS_TRY_SECONDS, tries=DNS_TRIES, **options)",
        "__import__('aiohttp.resolver').resolver.ThreadedResolver()",
        "tests/unit/services/notifier/endpoints/test_addresses.py"
        "::test_slow_names_of_one_organisation_hold_up_nobody_elses",
    ),
    Mutant(
        "obeys-profiles-of-others",
        "samenspel.client.access.profile:_require_own",
        "found.st_uid != os.getuid()",
        "False",
        "tests/unit/client/access/test_profile.py::test_a_profile_of_another_user_above_the_folder_is_not_obeyed",
    ),
    Mutant(
        "gives-access-before-the-answer",
        "samenspel.client.admin.admission:admit",
        'latest_outcome(answer) == "accepted"',
        "latest_outcome(answer)",
        "tests/unit/client/admin/test_admission.py::test_refused_admission_changes_nothing",
    ),
    Mutant(
        "bare-internal-errors",
        "samenspel.runtime.http:problem",
        "headers={**_HEADERS, **(headers or {})}",
        "headers=dict(headers or {})",
        "tests/unit/runtime/test_http.py::test_internal_error_carries_the_security_headers_and_no_detail",
    ),
    Mutant(
        "webhook-key-for-everybody",
        "services.notifier.settings:Settings",
        "webhook_key: SecretStr = Field(",
        'webhook_key: SecretStr = Field(default=SecretStr("known to everybody"),',
        "tests/unit/runtime/test_settings_mistakes.py::test_the_webhook_key_has_no_default",
    ),
    Mutant(
        "ignores-misspelt-settings",
        "samenspel.runtime.settings_mistakes:unknown_names",
        "not in known | SHELL_NAMES",
        "in ()",
        "tests/unit/runtime/test_settings_mistakes.py::test_a_misspelt_name_is_a_mistake_with_the_right_name",
    ),
    Mutant(
        "shows-values-of-settings",
        "samenspel.runtime.settings_mistakes:in_values",
        '_text(each["type"], each.get("ctx", {}))',
        "str(error)",
        "tests/unit/runtime/test_settings_mistakes.py::test_a_secret_in_the_wrong_place_is_not_shown",
    ),
    Mutant(
        "obeys-libpq",
        "samenspel.runtime.libpq_environment:forget_variables",
        "del os.environ[name]",
        "pass",
        "tests/unit/runtime/test_libpq_environment.py::test_every_variable_that_asyncpg_reads_is_forgotten",
    ),
    Mutant(
        "logs-every-repeat",
        "samenspel.runtime.log_limits:LineLimit._is_allowed",
        "now - self._passed_at.get(key, -SECONDS_PER_LINE) < SECONDS_PER_LINE",
        "False",
        "tests/unit/runtime/test_log_limits.py::test_a_repeated_line_passes_once_a_minute",
    ),
    Mutant(
        "logs-consequences",
        "samenspel.runtime.log_limits:LineLimit._is_allowed",
        "cause in open_causes or (open_causes and _is_any_interruption(record))",
        "False",
        "tests/unit/runtime/test_log_limits.py::test_consequences_of_a_logged_cause_are_not_logged",
    ),
    Mutant(
        "resources-before-the-start",
        "samenspel.messaging.service.process:ServiceProcess.running",
        "app.router.routes.insert(0, placeholder)",
        "app.router.routes.append(placeholder)",
        "tests/unit/messaging/service/test_process.py::test_resources_say_that_the_service_starts_and_why",
    ),
    Mutant(
        "starts-once",
        "samenspel.messaging.service.process:ServiceProcess._serve",
        "await asyncio.sleep(START_PAUSE_SECONDS)",
        "return",
        "tests/unit/messaging/service/test_process.py::test_the_start_is_repeated_until_it_succeeds",
    ),
    Mutant(
        "shows-tracebacks",
        "samenspel.cli.root:RootCommand.main",
        "sys.exit(report_error(error))",
        "raise",
        "tests/unit/cli/test_root.py::test_an_error_is_a_sentence_and_a_code",
    ),
    Mutant(
        "writes-into-databases-of-others",
        "samenspel.client.replica.store:ReplicaStore._prepare",
        "if not is_new:",
        "if False:",
        "tests/unit/client/replica/test_connection.py"
        "::test_a_database_of_another_program_is_refused_and_stays_as_it_is",
    ),
    Mutant(
        "a-dead-process-is-well",
        "deploy.local.cli.doctor:_running",
        "if daemon.has_died()",
        "if False",
        "tests/unit/deploy/local/cli/test_doctor.py::test_a_process_that_died_is_told",
    ),
)
