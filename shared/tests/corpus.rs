//! All inputs that fuzzing has kept, once more: those that reach what nothing else reaches, and those that once broke
//! something. `./dev fuzz` looks for new ones.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "these functions are a test's, and read files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use invariants::TARGETS;

/// Of what is under `shared/fuzz`.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What the failure of an invariant does not say: which input it was.
struct Trying<'a>(&'a Path);

impl Drop for Trying<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input is {}", self.0.display());
        }
    }
}

#[test]
fn whatever_was_kept_holds() {
    for (name, check) in TARGETS {
        let inputs = files(&path("corpus").join(name));
        assert!(!inputs.is_empty(), "nothing is kept for {name}");
        for input in inputs {
            let _trying = Trying(&input);
            check(&fs::read(&input).unwrap());
        }
    }
}

#[test]
fn whatever_can_be_fuzzed_is_kept_and_the_other_way_round() {
    let kept: BTreeSet<String> = files(&path("corpus"))
        .iter()
        .map(|folder| folder.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let manifest = fs::read_to_string(path("Cargo.toml")).unwrap();
    let built = manifest.lines().filter_map(|line| line.strip_prefix("path = \"targets/")?.strip_suffix(".rs\""));
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(built.map(str::to_owned).collect::<BTreeSet<_>>(), known, "shared/fuzz/Cargo.toml");
    assert_eq!(kept, known, "shared/fuzz/corpus");
}
