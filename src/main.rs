//! Starts the command line; everything else is in the library.
use std::process::ExitCode;

/// Many small pieces of JSON, on many threads: a fifth of a server's time goes to allocating them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    seconder::cli::main()
}
