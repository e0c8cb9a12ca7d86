//! Logs on stdout: one line for each event, for people or as JSON. Fields have the same dotted names everywhere
//! (`event.id`, `source`, `order.ref`, `action.id`, `channel`, `trace.id`) and never hold bodies, tokens or personal data.
//!
//! A field that several lines share belongs to a span around them. Such a span is made with `error_span!`: a filter that
//! hides the span (`RUST_LOG=warn` hides `info_span!`) would take its fields from every line within it.

use std::error::Error;
use std::fmt::Write as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;

use crate::settings::default;
use json::FlatJson;

mod json;

crate::settings! {
    /// What is logged, and how.
    pub struct Logging under "Logs" {
        /// Log lines for people (pretty) or for machines (json)
        LOG_FORMAT => format: LogFormat = default("pretty", LogFormat::parse),
        /// Levels that are logged (error, warn, info, debug, trace), also for single modules: info,ingest=debug
        RUST_LOG => filter: String = default("info", filter),
    }
}

impl Logging {
    /// Starts logging to stdout. Problems with settings come earlier, and go to stderr.
    pub fn start(&self) {
        start(self.format, &self.filter);
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line, for machines.
    Json,
}

impl LogFormat {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err("it must be `pretty` or `json`".to_owned()),
        }
    }
}

/// Checks a filter as `RUST_LOG` has it.
fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// Starts logging to stdout. `filter` is what `RUST_LOG` holds. Called twice, the second call changes nothing.
pub fn start(format: LogFormat, filter: &str) {
    // lapin logs every error that it also returns to us, and a returned message with its body. What it says is asked
    // for by name, and then without the bodies.
    let quiet = if filter.contains("lapin") { "lapin::returned_messages=off" } else { "lapin=off" };
    let filter = EnvFilter::try_new(format!("{filter},{quiet}")).unwrap_or_else(|_wrong| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    let started = match format {
        LogFormat::Pretty => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stdout())).try_init(),
        LogFormat::Json => builder.fmt_fields(JsonFields::new()).event_format(FlatJson).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// An error with all its causes, in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&part) && write!(text, ": {part}").is_err() {
            break;
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::json;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// Keeps what is logged.
    #[derive(Debug, Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Memory {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    impl Memory {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("opening the file")]
    struct Outer(#[source] io::Error);

    fn log_within_spans() {
        let batch = tracing::error_span!("batch", events = 2, source = "outer");
        let event = tracing::error_span!(parent: &batch, "event", event.id = %7, source = "yoni");
        let _entered = event.entered();
        let error = Outer(io::Error::other("no space"));
        tracing::warn!(event.id = 8, is_late = true, error = &error as &dyn Error, "applied {}", "it");
    }

    #[test]
    fn a_json_line_has_the_fields_of_its_spans_beside_its_own() {
        let memory = Memory::default();
        let subscriber = tracing_subscriber::fmt().with_writer(memory.clone());
        let subscriber = subscriber.fmt_fields(JsonFields::new()).event_format(FlatJson).finish();
        tracing::subscriber::with_default(subscriber, log_within_spans);
        let text = memory.text();
        assert!(text.starts_with("{\"timestamp\":\"") && text.ends_with("}\n"), "{text}");
        let mut line: serde_json::Value = serde_json::from_str(&text).unwrap();
        line.as_object_mut().unwrap().remove("timestamp");
        let expected = json!({
            "level": "WARN", "message": "applied it", "event.id": 8, "is_late": true, "source": "yoni", "events": 2,
            "error": "opening the file: no space", "target": "runtime::telemetry::tests",
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn a_line_for_people_has_the_fields_of_its_spans_before_its_own() {
        let memory = Memory::default();
        let subscriber = tracing_subscriber::fmt().with_writer(memory.clone()).with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, log_within_spans);
        let text = memory.text();
        let spans =
            "batch{events=2 source=\"outer\"}:event{event.id=7 source=\"yoni\"}: runtime::telemetry::tests: applied it";
        assert!(text.contains(spans) && text.contains("event.id=8") && text.contains("no space"), "{text}");
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        assert_eq!(chain(&Outer(io::Error::other("no space"))), "opening the file: no space");
    }

    #[test]
    fn a_wrong_filter_is_refused() {
        assert_eq!(filter("info,ingest=debug").as_deref(), Ok("info,ingest=debug"));
        assert!(filter("ingest=loud").is_err());
    }
}
