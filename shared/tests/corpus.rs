//! All inputs that fuzzing has kept, once more: those that reach what nothing else reaches, and those that once broke
//! something. `./dev fuzz` looks for new ones.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "these functions are a test's, and read files")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use invariants::{TARGETS, Target};

/// Of inputs that reach the same, one is enough.
const FILES_MAX: usize = 600;
const BYTES_MAX: u64 = 1024 * 1024;

/// Of what is under `shared/fuzz`.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// All inputs that are kept, with what they are for.
fn kept() -> impl Iterator<Item = (Target, PathBuf)> {
    let of = |target: Target| files(&path("corpus").join(target.0)).into_iter().map(move |input| (target, input));
    TARGETS.into_iter().flat_map(of)
}

#[test]
fn whatever_was_kept_holds() {
    let breaks = |((_, check), input): &(Target, PathBuf)| {
        let input = fs::read(input).unwrap();
        catch_unwind(|| check(&input)).is_err()
    };
    let broken: Vec<_> = kept().filter(breaks).map(|(_, input)| input).collect();
    assert!(broken.is_empty(), "what does not hold of them is above: {broken:#?}");
}

#[test]
fn what_is_kept_is_small() {
    let sizes: Vec<u64> = kept().map(|(_, input)| fs::metadata(input).unwrap().len()).collect();
    assert!(sizes.len() <= FILES_MAX && sizes.iter().sum::<u64>() <= BYTES_MAX, "{} files", sizes.len());
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
