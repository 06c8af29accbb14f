//! Writes the seeds of all targets: `seeds FOLDER` makes a folder for each target in it.

use std::path::Path;
use std::process::ExitCode;

fn main() -> std::io::Result<ExitCode> {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("give the folder that seeds are to be written into");
        return Ok(ExitCode::from(2));
    };
    for target in kinepath_fuzz::TARGETS {
        let folder = Path::new(&folder).join(target.name);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in kinepath_fuzz::seeds::of(target.name).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
