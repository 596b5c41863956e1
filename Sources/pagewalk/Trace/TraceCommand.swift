import ArgumentParser

/// `pagewalk trace`: what a guest did, in files.
struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Record what a guest does, verify it later, look at it, export it.",
    discussion: """
      A trace that is kept to be verified is called a golden. Status 0: the same; 1: different; 2: a mistake in options \
      or files.

      Examples:
        pagewalk trace record -e walk,pte-store,flush,fault .build/images/minikernel.elf -o kernel.pwt
        pagewalk trace verify kernel.pwt
        pagewalk trace show kernel.pwt
      """,
    subcommands: [
      TraceRecordCommand.self, TraceVerifyCommand.self, TraceDiffCommand.self, TraceBlessCommand.self,
      TraceShowCommand.self, TraceStatCommand.self, TraceExportCommand.self,
    ])
}
