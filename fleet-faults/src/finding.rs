//! Findings: the times that were measured beside those that are promised, and what failed.

use std::time::Duration;

use crate::{Failure, check::Check, engine::EngineKind};

/// The time above a promise that a busy machine may take.
const SLACK: Duration = Duration::from_secs(1);

/// A time that was measured.
#[derive(Debug)]
struct Finding {
    what: String,
    took: Duration,
    promised: Option<Duration>,
}

impl Finding {
    fn is_late(&self) -> bool {
        self.promised.is_some_and(|promised| self.took > promised + SLACK)
    }
}

/// The course of one check.
#[derive(Debug)]
pub(crate) struct Course {
    check: Check,
    engine: EngineKind,
    times: Vec<Finding>,
    notes: Vec<String>,
    /// Why it could not be made at all.
    unchecked: Option<String>,
    failure: Option<String>,
}

impl Course {
    pub(crate) fn new(check: Check, engine: EngineKind) -> Self {
        Self { check, engine, times: Vec::new(), notes: Vec::new(), unchecked: None, failure: None }
    }

    /// Notes how long something took, beside the time that is promised for it.
    pub(crate) fn took(&mut self, what: &str, took: Duration, promised: Option<Duration>) {
        self.times.push(Finding { what: what.to_owned(), took, promised });
    }

    /// Notes something that is no time.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Notes that the check cannot be made here.
    pub(crate) fn leave_unchecked(&mut self, why: &str) {
        self.unchecked = Some(why.to_owned());
    }

    pub(crate) fn ended(mut self, end: Result<(), Failure>) -> Self {
        self.failure = end.err().map(|failure| failure.to_string());
        self
    }
}

/// The courses of all checks.
#[derive(Debug)]
pub(crate) struct Findings {
    strict: bool,
    courses: Vec<Course>,
}

impl Findings {
    pub(crate) fn new(strict: bool) -> Self {
        Self { strict, courses: Vec::new() }
    }

    pub(crate) fn add(&mut self, course: Course) {
        let Course { check, engine, .. } = &course;
        let end = match (&course.failure, &course.unchecked) {
            (Some(failure), _) => format!("FAILED: {failure}"),
            (None, Some(why)) => format!("NOT CHECKED: {why}"),
            (None, None) => "passed".to_owned(),
        };
        eprintln!("{} on {}: {end}", check.name(), engine.name());
        self.courses.push(course);
    }

    /// Prints all. Returns whether all were passed.
    pub(crate) fn tell(mut self) -> bool {
        self.courses.sort_by_key(|course| (course.check, course.engine));
        println!("\n{:<12}{:<7}{:<62}{:>9}{:>11}", "check", "engine", "", "took", "promised");
        let mut good = true;
        for Course { check, engine, times, notes, unchecked, failure } in &self.courses {
            let start = format!("{:<12}{:<7}", check.name(), engine.name());
            for finding in times {
                let Finding { what, took, promised } = finding;
                let promised = promised.map_or_else(String::new, |promised| format!("{:.2} s", promised.as_secs_f64()));
                let late = if finding.is_late() { "  LATE" } else { "" };
                println!("{start}{what:<62}{:>7.2} s{promised:>11}{late}", took.as_secs_f64());
                good &= !(self.strict && finding.is_late());
            }
            notes.iter().for_each(|note| println!("{start}{note}"));
            if let Some(why) = unchecked {
                println!("{start}NOT CHECKED: {why}");
            }
            if let Some(failure) = failure {
                println!("{start}FAILED: {failure}");
                good = false;
            }
        }
        good
    }
}
