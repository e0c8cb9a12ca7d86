//! What a run did, in one file: how it was made, and each attempt with its end. With it, and the seed, what must have
//! become of it all can be known again. It holds no bodies and no secrets.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::chaos::Chaos;
use crate::event::Time;
use crate::life::{Life, World};

/// What lives a run plays, and with what chaos.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cast {
    pub seed: u64,
    /// Goes into every id: another one plays the same lives as new ones.
    pub run: String,
    pub base: Time,
    /// How many lives.
    pub esims: u64,
    /// Only this one of them.
    pub life: Option<u64>,
    pub chaos: Chaos,
}

impl Cast {
    pub fn world(&self) -> World {
        World { seed: self.seed, run: self.run.clone(), base: self.base, clocks: self.chaos.clocks }
    }

    /// All lives that are played, with their intruders.
    pub fn lives(&self) -> Vec<Life> {
        let world = self.world();
        let numbers = match self.life {
            Some(life) => life..=life,
            None => 1..=self.esims,
        };
        numbers.map(|number| self.chaos.intrude(&world, world.life(number))).collect()
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// With this status; `id` is the event's, if it was accepted.
    Answered { status: u16, id: Option<String> },
    /// Nobody took the connection: it can't have been received.
    Refused,
    /// No answer came: it may have been received.
    Silent,
    /// The network was away, as the chaos wanted: it can't have been received.
    Outage,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub life: u64,
    pub event: usize,
    pub copy: u32,
    /// From 1.
    pub attempt: usize,
    pub sent_at: Time,
    pub ended_at: Time,
    /// SHA-256 of the body as it was sent.
    pub body: String,
    pub end: End,
}

impl Attempt {
    /// It was answered 200: we have it.
    pub fn is_accepted(&self) -> bool {
        matches!(self.end, End::Answered { status: 200, .. })
    }

    /// Nobody knows whether we have it: no answer, or one that says that something went wrong.
    pub fn is_uncertain(&self) -> bool {
        match self.end {
            End::Silent => true,
            End::Answered { status, .. } => status >= 500,
            End::Refused | End::Outage => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Run { cast: Cast, started_at: Time, since: Option<Time> },
    Attempt(Attempt),
    Ended { at: Time },
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct Journal {
    pub cast: Cast,
    pub started_at: Time,
    /// The last receipt in the tables before it started; `None`: there was none.
    pub since: Option<Time>,
    pub attempts: Vec<Attempt>,
    pub ended_at: Time,
}

/// A journal while it is written.
#[derive(Debug)]
pub struct Writer {
    file: BufWriter<File>,
    journal: Journal,
}

impl Writer {
    /// Begins a journal at `path`; an older one there is replaced.
    pub fn begin(path: &Path, cast: &Cast, started_at: Time, since: Option<Time>) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("can't write the journal {}", path.display()))?;
        let (cast, attempts) = (cast.clone(), Vec::new());
        let journal = Journal { cast, started_at, since, attempts, ended_at: started_at };
        let mut writer = Self { file: BufWriter::new(file), journal };
        writer.write(&Line::Run { cast: writer.journal.cast.clone(), started_at, since })?;
        Ok(writer)
    }

    pub fn note(&mut self, attempt: Attempt) -> anyhow::Result<()> {
        self.write(&Line::Attempt(attempt.clone()))?;
        self.journal.attempts.push(attempt);
        Ok(())
    }

    pub fn end(mut self, at: Time) -> anyhow::Result<Journal> {
        self.write(&Line::Ended { at })?;
        self.file.flush().context("can't write the journal")?;
        Ok(Journal { ended_at: at, ..self.journal })
    }

    fn write(&mut self, line: &Line) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.file, line).context("can't write the journal")?;
        self.file.write_all(b"\n").context("can't write the journal")
    }
}

impl Journal {
    /// Reads what a former run wrote.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| {
            format!("can't read the journal {}; `simulator run` writes one, --journal says where", path.display())
        })?;
        let mut lines = BufReader::new(file).lines().enumerate().map(|(number, line)| {
            let place = || format!("the journal {} can't be read at line {}", path.display(), number + 1);
            serde_json::from_str::<Line>(&line.with_context(place)?).with_context(place)
        });
        let Some(Line::Run { cast, started_at, since }) = lines.next().transpose()? else {
            bail!("{} does not begin as a journal of `simulator run` does", path.display());
        };
        let mut journal = Self { cast, started_at, since, attempts: Vec::new(), ended_at: started_at };
        for line in lines {
            match line? {
                Line::Attempt(attempt) => journal.attempts.push(attempt),
                Line::Ended { at } => {
                    journal.ended_at = at;
                    return Ok(journal);
                }
                Line::Run { .. } => bail!("{} holds two runs", path.display()),
            }
        }
        bail!("the run of {} was broken off, so that nobody knows what it sent last; run it again", path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast() -> Cast {
        let base = "2026-05-01T12:00:00Z".parse().unwrap();
        Cast { seed: 7, run: "a".to_owned(), base, esims: 9, life: Some(3), chaos: Chaos::SOME }
    }

    fn path(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("{name}-{}.jsonl", std::process::id()))
    }

    fn attempt(end: End) -> Attempt {
        let at = cast().base;
        Attempt { life: 3, event: 1, copy: 0, attempt: 2, sent_at: at, ended_at: at, body: "aa".to_owned(), end }
    }

    #[test]
    fn a_journal_is_read_as_it_was_written() {
        let path = path("written");
        let ends = [End::Answered { status: 200, id: Some("1".to_owned()) }, End::Refused, End::Silent, End::Outage];
        let mut writer = Writer::begin(&path, &cast(), cast().base, Some(cast().base)).unwrap();
        ends.into_iter().for_each(|end| writer.note(attempt(end)).unwrap());
        let written = writer.end(cast().base).unwrap();
        assert_eq!(Journal::read(&path).unwrap(), written);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_journal_that_breaks_off_is_none() {
        let path = path("broken-off");
        let mut writer = Writer::begin(&path, &cast(), cast().base, None).unwrap();
        writer.note(attempt(End::Silent)).unwrap();
        drop(writer);
        let said = format!("{:#}", Journal::read(&path).unwrap_err());
        assert!(said.contains("broken off") && said.contains("run it again"), "{said}");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn only_what_can_have_come_is_uncertain() {
        let answered = |status| End::Answered { status, id: None };
        let is = |end: End| (attempt(end.clone()).is_accepted(), attempt(end).is_uncertain());
        assert_eq!(is(answered(200)), (true, false));
        assert_eq!([is(answered(503)), is(End::Silent)], [(false, true); 2]);
        assert_eq!([is(answered(404)), is(answered(204)), is(End::Refused), is(End::Outage)], [(false, false); 4]);
    }
}
