//! The promises, one a test, on real containers. In order of reading:

mod dead_letters;
mod delivery;
mod duplicates;
mod endings;
mod faults_broker;
mod faults_database;
mod faults_programs;
mod order;
mod refusals;
mod samples_end_in_rows;
mod shutdown_and_health;
