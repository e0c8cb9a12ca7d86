//! How a simulated provider behaves, whatever it says: away, slow, breaking off, failing; and what it was asked, when.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::http::{Asked, Reply};
use super::lock;

/// The knobs, and the record of what came. Everything takes effect with the next request.
#[derive(Debug, Default)]
pub struct Conduct {
    state: Mutex<State>,
    watch: Option<Watch>,
}

/// Says how a request is treated; `None`: as the knobs say.
pub type Treat = Box<dyn Fn(&Asked) -> Option<Treatment> + Send + Sync>;
/// Hears of each answer that is on its way.
pub type Note = Box<dyn Fn(&Asked, &Reply, Outcome) + Send + Sync>;

struct Watch {
    treat: Treat,
    note: Note,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

#[derive(Debug, Default)]
struct State {
    down: bool,
    slow: Duration,
    half: bool,
    failure: Option<(usize, Reply)>,
    requests: Vec<Request>,
    turned_away: usize,
}

/// One request that got through to the provider.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// As it was written in the URL.
    pub query: String,
    pub body: String,
    pub at: Instant,
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Not answered yet, or never: whoever asked went away first.
    Open,
    /// Answered with this status.
    Answered(u16),
    /// Answered with this status, and broken off in the middle of the body.
    Cut(u16),
}

/// What to do with one request.
#[derive(Debug, Default)]
pub struct Treatment {
    /// How long the answer takes.
    pub slow: Duration,
    /// Whether the answer breaks off in the middle of its body.
    pub half: bool,
    /// The answer, without a look at what is asked.
    pub failure: Option<Reply>,
}

impl Conduct {
    /// Each request is treated as `treat` says, and each answer told to `note`.
    pub fn watched(treat: Treat, note: Note) -> Self {
        Self { state: Mutex::default(), watch: Some(Watch { treat, note }) }
    }

    /// While down, every connection is closed before anything is answered, those that were open before too.
    pub fn down(&self, down: bool) {
        lock(&self.state).down = down;
    }

    /// Takes so long over every answer. The time counts from the arrival, by which the rate limits go too.
    pub fn slow(&self, slow: Duration) {
        lock(&self.state).slow = slow;
    }

    /// Whether answers break off in the middle of their bodies.
    pub fn half(&self, half: bool) {
        lock(&self.state).half = half;
    }

    /// Answers the next `times` requests so, without a look at what they ask: they count toward no limit.
    pub fn fail_next(&self, times: usize, reply: Reply) {
        lock(&self.state).failure = (times > 0).then_some((times, reply));
    }

    /// Everything that was asked, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state).requests.clone()
    }

    /// How many requests for paths that begin so got through.
    pub fn count(&self, path: &str) -> usize {
        lock(&self.state).requests.iter().filter(|request| request.path.starts_with(path)).count()
    }

    /// How many requests were refused for their rate.
    pub fn too_many(&self) -> usize {
        let state = lock(&self.state);
        state.requests.iter().filter(|request| request.outcome == Outcome::Answered(429)).count()
    }

    /// How many connections were closed because the provider was down.
    pub fn turned_away(&self) -> usize {
        lock(&self.state).turned_away
    }

    /// The most requests that arrived within any one second, the refused ones among them.
    pub fn max_in_any_second(&self) -> usize {
        self.max_within(Duration::from_secs(1), |_| true)
    }

    /// The most requests of this sort that arrived within any span of that length.
    pub fn max_within(&self, span: Duration, counts: impl Fn(&Request) -> bool) -> usize {
        let mut times: Vec<_> =
            self.requests().iter().filter(|request| counts(request)).map(|found| found.at).collect();
        times.sort();
        let following = |start: usize| times[start..].iter().take_while(|time| **time - times[start] < span).count();
        (0..times.len()).map(following).max().unwrap_or(0)
    }

    pub(super) fn is_down(&self) -> bool {
        lock(&self.state).down
    }

    pub(super) fn turn_away(&self) {
        lock(&self.state).turned_away += 1;
    }

    /// Notes the request; answers its number, and how it is treated.
    pub(super) fn receive(&self, asked: &Asked) -> (usize, Treatment) {
        let chosen = self.watch.as_ref().and_then(|watch| (watch.treat)(asked));
        let mut state = lock(&self.state);
        let failure = state.failure.take();
        if let Some((times, reply)) = failure.as_ref().filter(|(times, _)| *times > 1) {
            state.failure = Some((times - 1, reply.clone()));
        }
        state.requests.push(Request {
            method: asked.method.to_string(),
            path: asked.path.clone(),
            query: asked.raw_query.clone(),
            body: String::from_utf8_lossy(&asked.body).into_owned(),
            at: asked.at,
            outcome: Outcome::Open,
        });
        let usual = Treatment { slow: state.slow, half: state.half, failure: failure.map(|(_, reply)| reply) };
        (state.requests.len() - 1, chosen.unwrap_or(usual))
    }

    pub(super) fn settle(&self, number: usize, asked: &Asked, reply: &Reply, outcome: Outcome) {
        if let Some(request) = lock(&self.state).requests.get_mut(number) {
            request.outcome = outcome;
        }
        if let Some(watch) = &self.watch {
            (watch.note)(asked, reply, outcome);
        }
    }
}
