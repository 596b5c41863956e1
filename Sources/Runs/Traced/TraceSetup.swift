import Emulator
import GuestImages
import MachineDescriptions
import Traces

/// A traced run, ready to begin: made from options for the first time, and from a golden's header again.
public struct TraceSetup {
  /// The image, its modules and the RAM.
  let preparation: RunPreparation
  /// The machine to build.
  let description: MachineDescription
  /// What the trace says of itself, digests included.
  public private(set) var header: TraceHeader
  /// Which events are recorded; nil for all of the header's kinds.
  let filter: ActiveFilter?
  /// The image's names for comparisons between builds.
  let map: ImageMap
  private let disk: DiskFile?

  /// - Parameters:
  ///   - header: complete but for the digests of image, modules and disk, which are filled in.
  ///   - modules: where the modules are, with their strings; nil for where the header says.
  ///   - diskPath: where the disk's file is; nil for where the header says.
  /// - Throws: the typed errors of a bad image, size or machine.
  public init(
    _ header: TraceHeader, imagePath: String, modules: [String]? = nil, diskPath: String? = nil,
    description: MachineDescription
  ) throws {
    let modules = modules ?? header.modules.map(\.argument)
    preparation = try RunPreparation(
      image: imagePath, memory: MemorySize(bytes: header.memoryBytes), commandLine: header.commandLine,
      modules: modules, start: header.start)
    self.description = description
    var header = header
    header.imageDigest = ImageDigest.hexadecimal(of: preparation.image)
    for index in header.modules.indices {
      let module = try RunPreparation.readModule(modules[index])
      header.modules[index].digest = SHA256.hexadecimal(of: module.bytes)
    }
    disk = try header.disk.map { try DiskFile(reading: diskPath ?? $0.file) }
    if let disk { header.disk?.checksum = try disk.checksum() }
    self.header = header
    filter = header.filter.isEmpty ? nil : try ActiveFilter(header.filter, image: preparation.image)
    map = ImageMap(preparation.image)
  }

  /// The run that `golden` was recorded from, or the same with another image.
  ///
  /// - Parameters:
  ///   - image: the image to run; nil for the recorded one, which must not have changed then.
  ///   - allowsOtherModules: the modules and the disk may have changed.
  /// - Throws: `TraceError` for a golden that doesn't fit.
  public init(of golden: any BlockSource, image: String?, allowsOtherModules: Bool = false) throws {
    try self.init(
      of: golden.header, golden: golden.file, image: image, allowsOtherModules: allowsOtherModules)
  }

  /// The same, of a golden of which no more than the header can be read.
  ///
  /// - Throws: `TraceError` for a golden that doesn't fit.
  public init(
    of recorded: TraceHeader, golden: String, image: String?, allowsOtherModules: Bool = false
  ) throws {
    let description: MachineDescription
    do {
      description = try MachineDescription(yaml: Array(recorded.machine.utf8), file: golden)
    } catch {
      throw TraceError(file: golden, .corrupt, "its machine can't be built: \(error)")
    }
    let path = try image ?? Self.find(recorded.image, golden: golden)
    let modules = try recorded.modules.map { try Self.findModule($0.argument, golden: golden) }
    let diskPath = try recorded.disk.map { try Self.find($0.file, golden: golden) }
    try self.init(
      recorded, imagePath: path, modules: modules, diskPath: diskPath, description: description)
    guard image != nil || header.imageDigest == recorded.imageDigest else {
      throw TraceError(
        file: golden, .mismatch, "was recorded from another build of \(path)",
        expected: "the same image, or --image \(path) to compare the new build with the golden")
    }
    for (old, new) in zip(recorded.modules, header.modules)
    where old.digest != new.digest && !allowsOtherModules {
      throw TraceError(
        file: golden, .mismatch, "was recorded with another \(new.argument)", expected: "the same module"
      )
    }
    if let disk = header.disk, disk != recorded.disk, !allowsOtherModules {
      throw TraceError(
        file: golden, .mismatch, "was recorded with other contents of \(disk.file)", expected: "the same disk"
      )
    }
  }

  /// Whether the image is the one that the golden was recorded from.
  public func isSameBuild(as golden: any BlockSource) -> Bool {
    golden.header.imageDigest == header.imageDigest
  }

  /// `FILE[:STRING]` with the file where it is found, and the string that the guest sees.
  private static func findModule(_ argument: String, golden: String) throws(TraceError) -> String {
    let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let string = parts.count > 1 ? String(parts[1]) : HostFile.baseName(String(parts[0]))
    return try find(String(parts[0]), golden: golden) + ":" + string
  }

  /// Where a recorded path leads: from the golden's folder, from each folder above it, from the working directory.
  public static func find(_ path: String, golden: String) throws(TraceError) -> String {
    if path.hasPrefix("/") {
      if HostPaths.isFile(path) { return path }
    } else {
      var folder = HostPaths.absolute(HostPaths.folder(of: golden))
      while true {
        let candidate = folder == "/" ? "/" + path : folder + "/" + path
        if HostPaths.isFile(candidate) { return HostPaths.shortened(candidate) }
        if folder == "/" || folder.isEmpty { break }
        folder = HostPaths.folder(of: folder)
      }
      if HostPaths.isFile(path) { return path }
    }
    throw TraceError(
      file: golden, .mismatch, "its file \(path) is not there",
      expected: "that file, or another image with --image")
  }

  /// The same with another header.
  public func with(_ header: TraceHeader) -> TraceSetup {
    var setup = self
    setup.header = header
    return setup
  }

  /// The machine with the image in it.
  ///
  /// - Parameter console: sees what the guest prints, types what the header says, and can stop the run.
  func makeMachine(console: TypedConsole) throws -> GuestMachine {
    var peripherals = Peripherals()
    peripherals.hasKeyboard = header.hasKeyboard
    peripherals.disk = disk?.source
    if let epoch = header.epoch { peripherals.epoch = epoch }
    return try GuestMachine(
      preparation, description: description, timing: header.timing, peripherals: peripherals, disk: disk,
      console: console)
  }
}
