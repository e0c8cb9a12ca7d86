//! The end of a run in a few lines: what was sent, by source, and whether it became what it must.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::journal::{Attempt, End, Journal};
use crate::knobs::again;
use crate::life::Life;
use crate::verify::Verdict;

/// More differences than these only repeat themselves.
const SHOWN_MAX: usize = 40;

/// What was sent.
pub fn sent(journal: &Journal, lives: &[Life]) -> String {
    let mut table = "source         lives  messages  attempts  answered 200  refused  without answer\n".to_owned();
    let sources: BTreeMap<u64, &str> = lives.iter().map(|life| (life.number, life.source.name())).collect();
    for source in samples::Source::ALL {
        let of_source = |attempt: &&Attempt| sources.get(&attempt.life).is_some_and(|name| *name == source.name());
        let attempts: Vec<_> = journal.attempts.iter().filter(of_source).collect();
        let messages: BTreeSet<_> = attempts.iter().map(|attempt| (attempt.life, attempt.event)).collect();
        let count = |end: fn(&End) -> bool| attempts.iter().filter(|attempt| end(&attempt.end)).count();
        let line = writeln!(
            table,
            "{:13} {:6} {:9} {:9} {:13} {:8} {:15}",
            source.name(),
            lives.iter().filter(|life| life.source == source).count(),
            messages.len(),
            attempts.len(),
            count(|end| matches!(end, End::Answered { status: 200, .. })),
            count(|end| matches!(end, End::Answered { status: 400..500, .. })),
            count(|end| matches!(end, End::Refused | End::Silent | End::Outage)),
        );
        // Writing to a text can't fail.
        line.ok();
    }
    table
}

/// What became of it, and how to see it again.
pub fn verdict(journal: &Journal, verdict: &Verdict) -> String {
    let Verdict { events, rows, promises, dead_letters, .. } = verdict;
    let mut text = format!("compared: {events} events, {rows} rows, {promises} promises, {dead_letters} dead letters");
    if verdict.settled_by_inbox > 0 {
        text.push_str(&format!("; {} events came without our answer", verdict.settled_by_inbox));
    }
    if verdict.undecided > 0 {
        text.push_str(&format!("; {} rows can't be judged (a time on the line of belief)", verdict.undecided));
    }
    text.push('\n');
    for difference in verdict.differences.iter().take(SHOWN_MAX) {
        text.push_str(&format!("  {difference}\n"));
    }
    let count = verdict.differences.len();
    if count > SHOWN_MAX {
        text.push_str(&format!("  … and {} more\n", count - SHOWN_MAX));
    }
    if count == 0 {
        text.push_str(&format!("0 differences; seed {}", journal.cast.seed));
    } else {
        let life = verdict.differences.iter().find_map(|difference| difference.life);
        text.push_str(&format!("{count} differences; seed {}\n", journal.cast.seed));
        text.push_str(&format!("play it again:   simulator run {}\n", again(&journal.cast, None)));
        text.push_str(&format!("one life alone:  simulator run {}\n", again(&journal.cast, life)));
        text.push_str(&format!("what it says:    simulator show {}", again(&journal.cast, life)));
    }
    text
}
