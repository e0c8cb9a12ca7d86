//! How an input of a fuzz target is read: in a form that people can write, too. If it begins with `#`, its first line is
//! words about how the rest came; the rest is the body.

use std::collections::BTreeMap;

use chrono::{Datelike as _, SubsecRound as _};
use shared::Timestamp;
use shared::envelope::{Envelope, Mode, Origin};
use shared::origin::Provider;
use uuid::Uuid;

/// When everything is received of which the input does not say so.
const RECEIVED_AT: i64 = 1_777_636_800;

/// Our own clock is somewhere here.
const OUR_YEARS: std::ops::Range<i32> = 2000..2100;

/// Whether a time of receipt can be our own clock's.
pub(crate) fn is_ours(received_at: Timestamp) -> bool {
    OUR_YEARS.contains(&received_at.year())
}

/// An input, taken apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    words: &'a str,
    pub(crate) body: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        let Some(rest) = input.strip_prefix(b"#") else { return Self { words: "", body: input } };
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let (words, body) = rest.split_at(end);
        Self { words: std::str::from_utf8(words).unwrap_or_default(), body: body.get(1..).unwrap_or_default() }
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = &'a str> {
        self.words.split_ascii_whitespace()
    }

    /// The first number among the words, if there is one.
    pub(crate) fn number(&self) -> Option<usize> {
        self.words().find_map(|word| word.parse().ok())
    }

    /// The words of the form `name=text`.
    pub(crate) fn headers(&self) -> BTreeMap<String, String> {
        let pairs = self.words().filter_map(|word| word.split_once('='));
        pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    pub(crate) fn received_at(&self) -> Timestamp {
        let said = self.words().find_map(|word| word.parse::<Timestamp>().ok());
        let said = said.filter(|at| is_ours(*at));
        said.or_else(|| Timestamp::from_timestamp(RECEIVED_AT, 0)).unwrap_or_default().trunc_subsecs(6)
    }

    /// The body as it came from `provider`, or from its API, or from ourselves.
    pub(crate) fn envelope(&self, provider: Provider) -> Envelope {
        Envelope {
            id: Uuid::nil(),
            source: provider.to_string(),
            provider,
            mode: if self.words().any(|word| word == Mode::Test.as_str()) { Mode::Test } else { Mode::Live },
            origin: self.words().find_map(Origin::parse).unwrap_or_default(),
            received_at: self.received_at(),
            content_type: None,
            traceparent: None,
            headers: self.headers(),
            body: self.body.to_vec(),
        }
    }
}
