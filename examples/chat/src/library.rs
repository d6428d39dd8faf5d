//! The documents, cut into passages and ranked by BM25.

use std::{collections::HashSet, fmt};

use bm25::{SearchEngine, SearchEngineBuilder, Tokenizer};
use rust_stemmers::{Algorithm, Stemmer};
use serde::Serialize;

/// The documents that ship with the example: Markdown, a passage under each heading.
const DOCUMENTS: [(&str, &str); 6] = [
    ("in-flight.md", include_str!("../documents/in-flight.md")),
    ("tokens.md", include_str!("../documents/tokens.md")),
    ("monitor.md", include_str!("../documents/monitor.md")),
    ("streams.md", include_str!("../documents/streams.md")),
    ("proxy.md", include_str!("../documents/proxy.md")),
    ("this-chat.md", include_str!("../documents/this-chat.md")),
];

/// A passage that has a smaller share of the question's words matches by chance.
const MIN_SHARE: f64 = 0.34;
/// And so does one whose score is a smaller part of the best one's.
const MIN_OF_BEST: f64 = 0.7;
/// A word in the heading counts as much as so many in the text.
const HEADING_WEIGHT: usize = 3;

/// A passage and how well it matches, as the client sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Source {
    pub chunk_id: String,
    pub document_name: &'static str,
    pub text: String,
    /// 0 to 1.
    pub score: f64,
}

/// A passage. Its heading is a question that it answers.
#[derive(Clone, Debug)]
pub struct Passage {
    chunk_id: String,
    document_name: &'static str,
    pub heading: String,
    text: String,
    words: HashSet<String>,
}

/// All passages, ready to be searched.
pub struct Library {
    passages: Vec<Passage>,
    engine: SearchEngine<u32, u32, StemTokenizer>,
}

impl Default for Library {
    /// The library that ships with the example.
    fn default() -> Self {
        let passages: Vec<Passage> = DOCUMENTS.iter().flat_map(|(name, text)| passages(name, text)).collect();
        let contents = passages.iter().map(|Passage { heading, text, .. }| {
            std::iter::repeat_n(heading.as_str(), HEADING_WEIGHT).chain([text.as_str()]).collect::<Vec<_>>().join(" ")
        });
        let engine =
            SearchEngineBuilder::<u32, u32, StemTokenizer>::with_tokenizer_and_corpus(StemTokenizer::new(), contents)
                .build();
        Self { passages, engine }
    }
}

impl Library {
    /// The passages that may answer a question, best first.
    pub fn search(&self, question: &str, limit: usize) -> Vec<(&Passage, f64)> {
        let words: HashSet<String> = StemTokenizer::new().tokenize(question).into_iter().collect();
        let best = self.ranked(question).next().map_or(0.0, |(_, score)| score);
        let by_more_than_chance = |passage: &Passage, score: f64| {
            let shared = words.intersection(&passage.words).count();
            shared as f64 >= MIN_SHARE * words.len() as f64 && score >= MIN_OF_BEST * best
        };
        self.ranked(question).filter(|&(passage, score)| by_more_than_chance(passage, score)).take(limit).collect()
    }

    /// The passages that speak of the same things as `text`, the nearest first.
    pub fn near(&self, text: &str) -> impl Iterator<Item = &Passage> {
        self.ranked(text).map(|(passage, _)| passage)
    }

    fn ranked(&self, text: &str) -> impl Iterator<Item = (&Passage, f64)> {
        let found = self.engine.search(text, None).into_iter();
        found.filter_map(|found| Some((self.passages.get(found.document.id as usize)?, normalised(found.score))))
    }

    /// How much of `text` stands in `sources`, 0 to 1, by the words that carry meaning; `None` if there are none.
    pub fn grounding(text: &str, sources: &[Source]) -> Option<f64> {
        let words = StemTokenizer::new();
        let known: HashSet<String> = sources.iter().flat_map(|source| words.tokenize(&source.text)).collect();
        // A number alone is most often that of a passage.
        let mut said = words.tokenize(text);
        said.retain(|word| !word.chars().all(char::is_numeric));
        let grounded = said.iter().filter(|&word| known.contains(word)).count();
        (!said.is_empty()).then(|| round(grounded as f64 / said.len() as f64))
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").field("passages", &self.passages.len()).finish_non_exhaustive()
    }
}

impl Passage {
    pub fn as_source(&self, score: f64) -> Source {
        let Self { chunk_id, document_name, heading, text, .. } = self;
        Source { chunk_id: chunk_id.clone(), document_name, text: format!("{heading}\n{text}"), score }
    }
}

/// BM25 has no upper end; this folds it into 0 to 1, with 0.5 for a score of 3.
fn normalised(score: f32) -> f64 {
    let score = f64::from(score);
    round(score / (score + 3.0))
}

fn round(score: f64) -> f64 {
    (score * 100.0).round() / 100.0
}

fn passages(document_name: &'static str, markdown: &str) -> Vec<Passage> {
    let sections = markdown.split("\n## ").skip(1).enumerate();
    sections
        .map(|(index, section)| {
            let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
            // Lines of Markdown are lines of a file; what counts is the paragraphs.
            let paragraphs: Vec<String> = text.trim().split("\n\n").map(|lines| lines.replace('\n', " ")).collect();
            let text = paragraphs.join("\n");
            Passage {
                words: StemTokenizer::new().tokenize(&format!("{heading} {text}")).into_iter().collect(),
                chunk_id: format!("{}#{}", document_name.trim_end_matches(".md"), index + 1),
                document_name,
                heading: heading.trim().to_owned(),
                text,
            }
        })
        .collect()
}

/// Cuts text into words in lower case, reduced to their stems, without those that say nothing about a text.
struct StemTokenizer {
    stemmer: Stemmer,
}

impl StemTokenizer {
    fn new() -> Self {
        Self { stemmer: Stemmer::create(Algorithm::English) }
    }
}

impl Tokenizer for StemTokenizer {
    fn tokenize(&self, text: &str) -> Vec<String> {
        let text = text.to_lowercase();
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.filter(|word| !STOP_WORDS.contains(word)).map(|word| self.stemmer.stem(word).into_owned()).collect()
    }
}

const STOP_WORDS: [&str; 89] = [
    "a", "about", "all", "also", "an", "and", "any", "are", "as", "at", "be", "because", "been", "but", "by", "can",
    "could", "did", "do", "does", "done", "for", "from", "had", "happen", "happens", "has", "have", "how", "i", "if",
    "in", "into", "is", "it", "its", "just", "like", "may", "me", "more", "much", "my", "no", "not", "of", "on", "one",
    "only", "or", "other", "our", "out", "s", "say", "should", "so", "some", "such", "t", "tell", "than", "that",
    "the", "their", "them", "then", "there", "they", "this", "to", "too", "up", "us", "very", "was", "we", "were",
    "what", "when", "where", "which", "while", "who", "why", "will", "with", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_has_passages_and_each_heading_is_a_question() {
        let library = Library::default();
        for (name, _) in DOCUMENTS {
            let of_document = library.passages.iter().filter(|passage| passage.document_name == name);
            assert!(of_document.clone().count() >= 3, "{name}");
            for passage in of_document {
                assert!(passage.heading.ends_with('?'), "{}", passage.heading);
                assert!(passage.text.len() > 80, "{}", passage.heading);
            }
        }
    }

    #[test]
    fn a_passage_answers_the_question_in_its_heading_best() {
        let library = Library::default();
        for passage in &library.passages {
            let found = library.search(&passage.heading, 3);
            assert_eq!(found[0].0.chunk_id, passage.chunk_id, "{}", passage.heading);
        }
    }

    #[test]
    fn questions_in_other_words_find_their_passage() {
        let library = Library::default();
        let table = [
            ("are cached tokens part of the input", "tokens#"),
            ("does one slow viewer hold up the feed for others", "monitor#"),
            ("the browser closed the connection, what happens to the upstream", "streams#"),
            ("which environment variable sets the provider key", "proxy#"),
            ("Where do I put my own model?", "this-chat#"),
        ];
        for (question, document) in table {
            let found = library.search(question, 3);
            let ids: Vec<&str> = found.iter().map(|(passage, _)| passage.chunk_id.as_str()).collect();
            assert!(ids.iter().any(|id| id.starts_with(document)), "{question}: {ids:?}");
        }
    }

    #[test]
    fn a_question_about_something_else_finds_nothing() {
        assert!(Library::default().search("best recipe for apple strudel", 3).is_empty());
    }

    #[test]
    fn grounding_is_the_share_of_words_that_stand_in_the_sources() {
        let source = Source {
            chunk_id: "a#1".into(),
            document_name: "a",
            text: "A request leaves the list.".into(),
            score: 1.0,
        };
        let sources = std::slice::from_ref(&source);
        assert_eq!(Library::grounding("The requests leave a list [1]", sources), Some(1.0));
        assert_eq!(Library::grounding("The requests leave quickly, elephants follow", sources), Some(0.4));
        assert_eq!(Library::grounding("the", sources), None);
    }
}
