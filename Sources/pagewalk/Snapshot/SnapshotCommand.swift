import ArgumentParser

/// `pagewalk snapshot`: machines in files.
struct SnapshotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot",
    abstract: "Save a machine in a file, and go on from there.",
    discussion: """
      A snapshot holds all of a machine: RAM, the processor with its TLBs and caches, devices, what the guest has written to its disk. \
      The machine that is loaded takes the same course as the one that was saved, cycle for cycle.

      Examples:
        pagewalk snapshot save --when '~ # ' --initrd initrd.cpio --append console=ttyS0 -o booted.snap vmlinux
        pagewalk snapshot load booted.snap
        pagewalk snapshot inspect booted.snap
      """,
    subcommands: [SnapshotSaveCommand.self, SnapshotLoadCommand.self, SnapshotInspectCommand.self])
}
