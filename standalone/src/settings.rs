//! The settings of the standalone edition: those of ingest and of the worker, except for the broker and the database, which
//! are here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ingest::settings::{EndpointSettings, WebhookSettings, parse_sources};
use runtime::settings::{Description, Env, Given, Noted, Problems, SettingsGroup, default, duration, optional, path};
use runtime::spool::SpoolSettings;
use worker::settings::WorkSettings;
use worker::sources::Sources;

use crate::try_out;

/// Settings of the whole process.
#[derive(Debug, Clone)]
pub struct StandaloneSettings {
    pub data_dir: PathBuf,
    pub webhooks: WebhookSettings,
    pub work: WorkSettings,
    pub spool: SpoolSettings,
    /// Whether the sources are those for trying out.
    pub is_try_out: bool,
}

runtime::settings! {
    /// Settings of the process.
    pub struct General under "General" {
        /// Directory on a durable disk that holds everything: the database and what waits to be applied; made if missing,
        /// for one process at a time
        DATA_DIR => data_dir: PathBuf = default("data", path),
        /// TOML file that lists the sources: who sends webhooks, and how they prove it; without it, there are sources for
        /// trying out, which only this machine can reach
        SOURCES_FILE => sources_file: Option<PathBuf> = optional(path),
        /// How long a stop may take after SIGTERM
        SHUTDOWN_DEADLINE => shutdown_deadline: Duration = default("20s", duration),
    }
}

impl SettingsGroup for StandaloneSettings {
    fn list() -> Vec<Description> {
        [General::list(), SpoolSettings::list(), EndpointSettings::list(), WorkSettings::list()].concat()
    }

    fn read(given: &Given, problems: &mut Problems) -> Result<Self, Noted> {
        let data_dir = General::data_dir(given, problems);
        let is_try_out = General::sources_file(given, problems)?.is_none();
        let of_ingest = SourcesText::read(given, problems)
            .and_then(|file| parse_sources(&file.text, &|name| (file.env)(name), problems));
        let of_worker = of_ingest.as_ref().map_err(|noted| *noted).and_then(|_| read_sources(given, problems));
        let shutdown_deadline = General::shutdown_deadline(given, problems);
        let endpoint = EndpointSettings::read(given, problems);
        if is_try_out && endpoint.as_ref().is_ok_and(|endpoint| try_out::is_exposed(endpoint.listen)) {
            let exposed = "without SOURCES_FILE there are only sources for trying out, whose secrets everybody knows; listen \
                           on 127.0.0.1, or name sources of your own";
            problems.add("INGEST_LISTEN", exposed);
        }
        let work = WorkSettings::read(given, of_worker, shutdown_deadline, problems);
        let spool = SpoolSettings::read(given, problems);
        let webhooks =
            WebhookSettings { endpoint: endpoint?, sources: of_ingest?, shutdown_deadline: shutdown_deadline? };
        Ok(Self { data_dir: data_dir?, webhooks, work: work?, spool: spool?, is_try_out })
    }
}

/// The sources as the worker knows them.
pub fn read_sources(given: &Given, problems: &mut Problems) -> Result<Sources, Noted> {
    let SourcesText { text, env } = SourcesText::read(given, problems)?;
    Sources::parse(&text, |name| env(name)).map_err(|wrong| problems.add_all("SOURCES_FILE", wrong))
}

/// The text of the sources' file, and the environment that it refers to.
struct SourcesText {
    text: String,
    env: Env,
}

impl SourcesText {
    fn read(given: &Given, problems: &mut Problems) -> Result<Self, Noted> {
        let Some(path) = General::sources_file(given, problems)? else {
            return Ok(Self { text: try_out::SOURCES.to_owned(), env: Arc::new(try_out::environment) });
        };
        let text = std::fs::read_to_string(&path).map_err(|error| format!("can't read {}: {error}", path.display()));
        Ok(Self { text: problems.take("SOURCES_FILE", text)?, env: given.env().clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &'static [(&str, &str)]) -> Result<StandaloneSettings, String> {
        let given =
            Given::from_env(|name| texts.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()));
        StandaloneSettings::load(&given).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let settings = read(&[]).unwrap();
        assert!(settings.is_try_out);
        assert_eq!(settings.webhooks.endpoint.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.work.sources.iter().count(), 6);
    }

    #[test]
    fn sources_for_trying_out_are_for_this_machine_alone() {
        let told = read(&[("INGEST_LISTEN", "0.0.0.0:8080")]).unwrap_err();
        assert!(told.contains("INGEST_LISTEN") && told.contains("SOURCES_FILE"), "{told}");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let told = read(&[
            ("SOURCES_FILE", "there-is-no-such-file"),
            ("INGEST_LISTEN", "here"),
            ("WORKER_LISTEN", "there"),
            ("LANES", "0"),
            ("SPOOL_MAX_BYTES", "none"),
            ("SHUTDOWN_DEADLINE", "soon"),
        ])
        .unwrap_err();
        for name in ["SOURCES_FILE", "INGEST_LISTEN", "WORKER_LISTEN", "LANES", "SPOOL_MAX_BYTES", "SHUTDOWN_DEADLINE"]
        {
            assert!(told.contains(&format!("{name}: ")), "{name} is missing in: {told}");
        }
    }
}
