//! HTTP/1.1 as far as the two ends of the campaign must read it.

use std::{io, pin::pin};

use tokio::io::{AsyncRead, AsyncReadExt};

/// The head of a message.
#[derive(Clone, Debug)]
pub struct Head {
    pub text: String,
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub fn status(&self) -> Option<u16> {
        self.text.split(' ').nth(1)?.parse().ok()
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }

    fn length(&self) -> Option<usize> {
        self.header("content-length")?.parse().ok()
    }
}

/// The way in which the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(usize),
    Chunked,
    Close,
}

impl Framing {
    pub fn of_request(head: &Head) -> Self {
        if head.is_chunked() { Self::Chunked } else { Self::Length(head.length().unwrap_or(0)) }
    }

    pub fn of_answer(head: &Head, method: &str) -> Self {
        if method == "HEAD" || matches!(head.status(), Some(100..200 | 204 | 304)) {
            Self::Length(0)
        } else if head.is_chunked() {
            Self::Chunked
        } else {
            head.length().map_or(Self::Close, Self::Length)
        }
    }
}

/// A stream, and what has been read of it.
#[derive(Debug)]
pub struct Reader<S> {
    pub stream: S,
    read: Vec<u8>,
    /// Where the bytes begin that have not been taken.
    at: usize,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, read: Vec::new(), at: 0 }
    }

    /// Bytes that have been read and not been taken.
    pub fn rest(&self) -> &[u8] {
        &self.read[self.at..]
    }

    /// Reads more; false at the end of the connection.
    async fn fill(&mut self) -> io::Result<bool> {
        if self.at == self.read.len() {
            self.read.clear();
            self.at = 0;
        }
        Ok(pin!(self.stream.read_buf(&mut self.read)).await? > 0)
    }

    /// Reads to the end of the connection, and forgets what comes.
    pub async fn until_closed(&mut self) {
        loop {
            self.at = self.read.len();
            if !matches!(self.fill().await, Ok(true)) {
                return;
            }
        }
    }

    /// Waits for the end of the connection, or for bytes that nobody has asked for.
    pub async fn until_disturbed(&mut self) {
        let _ = self.fill().await;
    }

    /// Takes the bytes up to `end`, that included.
    async fn up_to(&mut self, end: &[u8]) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = self.rest().windows(end.len()).position(|window| window == end) {
                let taken = self.rest()[..at + end.len()].to_vec();
                self.at += taken.len();
                return Ok(Some(taken));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// The next head; nothing where the connection ends before it.
    pub async fn head(&mut self) -> io::Result<Option<Head>> {
        let head = self.up_to(b"\r\n\r\n").await?;
        Ok(head.map(|head| Head { text: String::from_utf8_lossy(&head).trim_end().to_owned() }))
    }

    /// Hands the body to `take`, piece by piece.
    ///
    /// # Errors
    /// The connection fails, or ends before the body does.
    pub async fn body(&mut self, framing: Framing, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        match framing {
            Framing::Length(length) => self.pass(length, &mut take).await,
            Framing::Close => loop {
                take(self.rest());
                self.at = self.read.len();
                if !self.fill().await? {
                    return Ok(());
                }
            },
            Framing::Chunked => loop {
                let line = self.up_to(b"\r\n").await?.ok_or(io::ErrorKind::UnexpectedEof)?;
                let size = String::from_utf8_lossy(&line);
                let size = usize::from_str_radix(size.trim(), 16)
                    .map_err(|_| io::Error::other(format!("a chunk of {size:?}")))?;
                if size == 0 {
                    // Trailers, up to an empty line.
                    while self.up_to(b"\r\n").await?.ok_or(io::ErrorKind::UnexpectedEof)? != b"\r\n" {}
                    return Ok(());
                }
                self.pass(size, &mut take).await?;
                if self.up_to(b"\r\n").await?.is_none_or(|end| end.len() != 2) {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            },
        }
    }

    /// Hands on so many bytes.
    async fn pass(&mut self, mut length: usize, take: &mut impl FnMut(&[u8])) -> io::Result<()> {
        while length > 0 {
            let here = length.min(self.rest().len());
            take(&self.rest()[..here]);
            self.at += here;
            length -= here;
            if length > 0 && !self.fill().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}
