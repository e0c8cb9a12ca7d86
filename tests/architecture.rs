//! The house as a test: who may depend on whom, which room may name what, and how large anything may grow. It needs no
//! container.

#![expect(clippy::unwrap_used, reason = "a house that can't be read must fail its test, there and then")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each crate may name. What is not in its Cargo.toml does not compile, so this table is the whole truth.
const MAY_NAME: [(&str, &[&str]); 11] = [
    ("shared", &["chrono", "hex", "rust_decimal", "serde", "serde_json", "sha2", "strum", "thiserror", "uuid"]),
    (
        "providers",
        &[
            "base64", "chrono", "hex", "hmac", "http", "rust_decimal", "secrecy", "serde", "serde_json", "sha2",
            "shared", "strum", "subtle", "thiserror", "url", "uuid",
        ],
    ),
    ("invariants", &["chrono", "providers", "samples", "secrecy", "serde", "serde_json", "shared", "uuid"]),
    (
        "runtime",
        &[
            "axum", "backoff", "chrono", "clap", "futures-util", "httpdate", "hyper", "hyper-util", "lapin",
            "prometheus-client", "rustls", "secrecy", "serde", "serde_json", "shared", "sqlx", "thiserror", "tokio",
            "tokio-util", "tower-service", "tracing", "tracing-subscriber", "trait-variant", "uuid",
        ],
    ),
    (
        "ingest",
        &[
            "anyhow", "axum", "bytes", "chrono", "clap", "futures-util", "governor", "http-body-util", "ipnet",
            "prometheus-client", "providers", "rand", "runtime", "secrecy", "serde", "serde_json", "shared", "subtle",
            "thiserror", "tokio", "tokio-util", "toml", "tracing", "uuid",
        ],
    ),
    (
        "store",
        &[
            "async-trait", "chrono", "futures-util", "hex", "rust_decimal", "secrecy", "serde", "serde_json", "shared",
            "sqlx", "thiserror", "uuid",
        ],
    ),
    (
        "mail",
        &[
            "chrono", "chrono-tz", "minijinja", "percent-encoding", "png", "qrcode", "rust_decimal", "serde",
            "serde_json", "shared", "textwrap", "thiserror", "toml", "unicode-linebreak", "unicode-width",
        ],
    ),
    (
        "worker",
        &[
            "anyhow", "axum", "base64", "chrono", "chrono-tz", "clap", "hex", "hmac", "lettre", "mail",
            "prometheus-client", "providers", "rand", "reqwest", "runtime", "secrecy", "serde", "serde_json", "sha2",
            "shared", "store", "subtle", "thiserror", "tokio", "tokio-util", "toml", "tracing", "uuid",
        ],
    ),
    (
        "standalone",
        &[
            "anyhow", "clap", "futures-util", "ingest", "runtime", "rust_decimal", "secrecy", "serde_json", "sha2",
            "store", "thiserror", "tokio", "tokio-util", "tracing", "worker",
        ],
    ),
    // These two know only what is public, so that they are a second opinion.
    (
        "samples",
        &[
            "anyhow", "base64", "chrono", "clap", "hex", "hmac", "reqwest", "rustls", "serde", "serde_json", "sha2",
            "tokio",
        ],
    ),
    (
        "simulator",
        &[
            "anyhow", "axum", "base64", "chrono", "clap", "futures-util", "hex", "hmac", "rand", "reqwest",
            "rust_decimal", "rustls", "samples", "serde", "serde_json", "sha2", "sqlx", "tokio", "uuid",
        ],
    ),
];

/// Words that have one home: (word, the only paths that may hold it). Telemetry names lapin as a source of log lines.
const HOMES: [(&str, &[&str]); 7] = [
    ("lettre::", &["worker/src/channel/email", "worker/src/api.rs"]),
    ("lapin::", &["shared/runtime/src/broker", "shared/runtime/src/telemetry.rs"]),
    ("backoff::", &["shared/runtime/src/retry.rs"]),
    ("sqlx::query", &["worker/store/src", "shared/runtime/src/spool"]),
    ("reqwest::", &["worker/src/channel", "worker/src/provider_api"]),
    ("libfuzzer_sys::", &["shared/fuzz/targets"]),
    ("axum::", &["shared/runtime/src/http.rs", "ingest/src", "worker/src/api.rs"]),
];

const FILE_LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn metadata() -> Value {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    serde_json::from_slice(&cargo.stdout).unwrap()
}

/// Each package's normal dependencies, by their names.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let of = |package: &Value| {
        let names = package["dependencies"].as_array().unwrap().iter();
        let normal = names.filter(|dependency| dependency["kind"].is_null());
        normal.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
    };
    packages.map(|package| (package["name"].as_str().unwrap().to_owned(), of(package))).collect()
}

/// Every source file of ours, relative to the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["shared", "ingest", "worker", "standalone", "tests", "migrations"] {
        collect(&root().join(folder), &mut found);
    }
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // Who fuzzes without `./dev` builds in there.
            if !path.ends_with("target") {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "sql") {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn rust_sources() -> impl Iterator<Item = (String, String)> {
    sources().into_iter().filter(|(path, _)| path.ends_with(".rs"))
}

#[test]
fn crates_name_only_what_the_table_allows() {
    let dependencies = dependencies();
    for (package, allowed) in MAY_NAME {
        let extra: Vec<_> = dependencies[package].iter().filter(|name| !allowed.contains(&name.as_str())).collect();
        assert!(extra.is_empty(), "{package} may not name {extra:?}; if it must, change the table and say why");
    }
}

#[test]
fn ingest_and_worker_never_see_each_other() {
    let dependencies = dependencies();
    assert!(!dependencies["ingest"].contains("worker") && !dependencies["worker"].contains("ingest"));
}

#[test]
fn what_only_fuzzing_needs_is_in_no_program() {
    assert!(!dependencies().contains_key("fuzz"), "shared/fuzz is a workspace of its own");
    for (package, names) in dependencies() {
        let is_program =
            ["shared", "providers", "runtime", "ingest", "mail", "worker", "standalone"].contains(&package.as_str());
        assert!(!is_program || !names.contains("invariants"), "{package} names the invariants");
    }
}

#[test]
fn who_plays_the_providers_sees_the_programs_only_from_outside() {
    let dependencies = dependencies();
    for package in ["samples", "simulator"] {
        for program in ["shared", "providers", "runtime", "ingest", "mail", "worker", "standalone", "integration"] {
            assert!(!dependencies[package].contains(program), "{package} may not know {program}");
        }
    }
}

#[test]
fn each_outside_system_has_one_home() {
    let is_test = |path: &str| path.split('/').any(|part| part == "tests");
    for (path, text) in rust_sources().filter(|(path, _)| !is_test(path)) {
        for (word, homes) in HOMES {
            let at_home = homes.iter().any(|home| path.starts_with(home));
            assert!(at_home || !text.contains(word), "{path} names {word}, whose home is {homes:?}");
        }
    }
}

#[test]
fn what_decides_does_not_act() {
    for (path, text) in rust_sources().filter(|(path, _)| {
        ["shared/src/", "shared/providers/src/", "worker/mail/src/"].iter().any(|pure| path.starts_with(pure))
    }) {
        for word in ["async fn", "Utc::now", "SystemTime", "std::fs", "std::net", "std::env"] {
            assert!(!text.contains(word), "{path} holds {word}: what is pure touches nothing");
        }
    }
}

#[test]
fn no_file_outgrows_its_room() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= FILE_LINES_MAX, "{path} has {lines} lines, more than {FILE_LINES_MAX}");
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for (path, text) in rust_sources() {
        let name = path.rsplit('/').next().unwrap();
        // A module called `tests` says by its place what it tests.
        assert!(name == "tests.rs" || text.starts_with("//! "), "{path} does not open with a //! sentence");
        for vague in ["mod.rs", "utils.rs", "util.rs", "common.rs", "helpers.rs", "manager.rs", "misc.rs"] {
            assert_ne!(name, vague, "{path}: name it after what it does");
        }
    }
}

#[test]
fn every_migration_has_a_number_of_its_own() {
    for folder in ["migrations", "migrations/sqlite"] {
        let is_here = |path: &str| path.rsplit_once('/').is_some_and(|(parent, _)| parent == folder);
        let here = sources().into_iter().filter(|(path, _)| is_here(path));
        let numbers: Vec<_> = here.map(|(path, _)| path[folder.len() + 1..][..4].to_owned()).collect();
        let distinct: BTreeSet<_> = numbers.iter().collect();
        assert!(!numbers.is_empty() && distinct.len() == numbers.len(), "{folder}: {numbers:?}");
    }
}

#[test]
fn tests_wait_for_events_and_not_for_time() {
    for (path, text) in rust_sources().filter(|(path, _)| path.starts_with("tests/scenarios/")) {
        assert!(!text.contains("sleep("), "{path} sleeps; poll with `eventually` instead");
        assert!(!text.contains("#[ignore"), "{path} ignores a test");
    }
}
