//! Log lines for machines: one JSON object a line. The fields of an event and of all spans around it stand side by side,
//! so that `event.id` is found at the same place whether the event or a span carries it.

use std::error::Error;
use std::fmt::{self, Debug};

use serde::Serializer as _;
use serde::ser::SerializeMap as _;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes an event in the form that this module describes. Its spans' fields are kept by `JsonFields`.
#[derive(Debug)]
pub(super) struct FlatJson;

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for FlatJson {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut line = Line(vec![
            ("timestamp".into(), timestamp.into()),
            ("level".into(), event.metadata().level().as_str().into()),
        ]);
        event.record(&mut line);
        // From the innermost span outwards: the nearest value of a field wins.
        for span in context.event_scope().into_iter().flatten() {
            line.add_span(span.extensions().get::<FormattedFields<JsonFields>>());
        }
        line.0.push(("target".into(), event.metadata().target().into()));
        writeln!(writer, "{}", line.to_json()?)
    }
}

/// Names and values in the order of the line.
struct Line(Vec<(String, Value)>);

impl Line {
    fn add(&mut self, name: &str, value: Value) {
        if !self.0.iter().any(|(known, _)| known == name) {
            self.0.push((name.to_owned(), value));
        }
    }

    fn add_span(&mut self, fields: Option<&FormattedFields<JsonFields>>) {
        let fields = fields.and_then(|fields| serde_json::from_str::<Map<String, Value>>(&fields.fields).ok());
        for (name, value) in fields.into_iter().flatten() {
            self.add(&name, value);
        }
    }

    fn to_json(&self) -> Result<String, fmt::Error> {
        let mut json = Vec::new();
        let mut serializer = serde_json::Serializer::new(&mut json);
        let written = serializer.serialize_map(Some(self.0.len())).and_then(|mut map| {
            self.0.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
            map.end()
        });
        written.map_err(|_not_json| fmt::Error)?;
        String::from_utf8(json).map_err(|_not_text| fmt::Error)
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field.name(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.add(field.name(), super::chain(value).into());
    }
}
