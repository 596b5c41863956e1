import Emulator
import GuestImages
import IA32
import MachineDescriptions
import Snapshots
import Traces

extension GuestMachine {
  /// Saves the machine as it stands in a file, with `archive`, its state here.
  ///
  /// - Parameter setup: what the machine was built from, in words.
  /// - Returns: the file's length in bytes.
  /// - Throws: `SnapshotError` if it can't be written, `GuestImageError` if the disk can't be read.
  public func save(_ setup: SnapshotSetup, archive: [UInt8], to path: String) throws -> UInt64 {
    var header = SnapshotHeader(
      image: .init(path: image.file, checksum: Self.checksum(of: image.bytes)),
      memoryBytes: configuration.memoryBytes, timing: configuration.timing,
      machine: setup.description.yaml)
    header.start = setup.start
    header.commandLine = setup.commandLine
    header.hasKeyboard = configuration.peripherals.hasKeyboard
    header.epoch =
      configuration.peripherals.epoch == CMOSRTC.defaultEpoch ? nil : configuration.peripherals.epoch
    if let disk { header.disk = .init(path: disk.file, checksum: try disk.checksum()) }
    return try SnapshotWriter.write(machine, header, rom: configuration.rom, archive: archive, to: path)
  }

  static func checksum(of bytes: [UInt8]) -> UInt64 {
    var sum = Checksum()
    bytes.withUnsafeBytes { sum.add($0) }
    return sum.value
  }

  /// The machine of a snapshot, where it stood.
  ///
  /// - Parameters:
  ///   - imagePath: where the image is; nil for where the snapshot says. One that is not there, or has changed, is done without:
  ///     addresses have no names then, and `warning` says so.
  ///   - diskPath: where the disk is; nil for where the snapshot says.
  /// - Throws: `SnapshotError` for a file that can't be used, and the typed errors of disks and machines.
  public static func restored(
    from file: SnapshotFile, imagePath: String? = nil, diskPath: String? = nil, console: any GuestConsole
  ) throws -> (guest: GuestMachine, warning: String?) {
    let header = file.header
    let description: MachineDescription
    do {
      description = try MachineDescription(yaml: Array(header.machine.utf8), file: file.path)
    } catch {
      throw unusable(file, "has a machine that can't be built: \(error)")
    }
    var disk: DiskFile?
    if let saved = header.disk {
      let found = try DiskFile(reading: diskPath ?? saved.path)
      guard try found.checksum() == saved.checksum else {
        throw SnapshotError(
          file: file.path, .mismatch, "was saved with other contents of \(found.file)",
          expected: "the disk as it was when the snapshot's run began")
      }
      disk = found
    }
    var configuration = description.configuration(
      memoryBytes: header.memoryBytes, rom: [], timing: header.timing)
    configuration.peripherals.hasKeyboard = header.hasKeyboard
    configuration.peripherals.disk = disk?.source
    if let epoch = header.epoch { configuration.peripherals.epoch = epoch }
    // Before the pages are read: the image may be missing, and RAM comes straight from the file into the machine's.
    let memory = try MemoryMap(bytes: header.memoryBytes)
    var pages: [(frame: UInt64, contents: [UInt8])] = []
    let contents = try file.read { (frame, page) throws(SnapshotError) in
      guard memory.ramRanges.contains(where: { $0.contains(frame << 12) }) else {
        throw unusable(file, "has a page where there is no RAM")
      }
      pages.append((frame, Array(page)))
    }
    guard !contents.rom.isEmpty, contents.rom.count % 4096 == 0, contents.rom.count <= 1 << 20 else {
      throw unusable(file, "has no boot ROM")
    }
    configuration.rom = contents.rom
    let (image, warning) = try findImage(of: header, at: imagePath)
    let guest = try GuestMachine(configuration, image: image, disk: disk, plan: nil, console: console)
    for (frame, contents) in pages {
      try guest.machine.memory.write(contents, at: PhysicalAddress(frame << 12))
    }
    do {
      try guest.machine.restore(archive: contents.archive)
    } catch {
      throw unusable(file, "holds a state that can't be restored: \(error)")
    }
    return (guest, warning)
  }

  private static func unusable(_ file: SnapshotFile, _ problem: String) -> SnapshotError {
    SnapshotError(
      file: file.path, .unusableState, problem, expected: "a snapshot that this version of pagewalk saved")
  }

  /// The image, or one of no bytes under its name.
  ///
  /// - Parameter chosen: a path that a person gave; a mistake there is an error.
  private static func findImage(
    of header: SnapshotHeader, at chosen: String?
  ) throws -> (GuestImage, warning: String?) {
    let path = chosen ?? header.image.path
    do {
      let image = try GuestImage(reading: path, start: header.start)
      guard checksum(of: image.bytes) != header.image.checksum else { return (image, nil) }
      let problem = "\(path) has changed since the snapshot was saved"
      guard chosen == nil else {
        throw SnapshotError(
          file: path, .mismatch, "is not the image that was saved", expected: "a copy of \(header.image.path)"
        )
      }
      return (try nameless(path), "\(problem): addresses have no names")
    } catch let error as GuestImageError where chosen == nil {
      return (try nameless(path), "\(error.file) \(error.problem): addresses have no names")
    }
  }

  private static func nameless(_ path: String) throws -> GuestImage {
    try GuestImage(file: path, bytes: [0xF4], start: StartChoice(loadAddress: 0x10_0000))
  }
}

/// What a snapshot says of its machine beyond what the machine itself knows.
public struct SnapshotSetup {
  /// The machine as it was described.
  public var description: MachineDescription
  /// The guest's command line.
  public var commandLine: String
  /// What was decided about how the image is started.
  public var start: StartChoice

  /// What was said when the machine was built.
  public init(description: MachineDescription, commandLine: String = "", start: StartChoice = StartChoice()) {
    self.description = description
    self.commandLine = commandLine
    self.start = start
  }
}
