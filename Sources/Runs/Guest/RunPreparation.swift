import Emulator
import GuestImages
import MachineDescriptions

/// Everything a run needs, read and checked before a machine is built: a mistake costs nothing but a sentence.
public struct RunPreparation {
  /// The image to boot.
  public let image: GuestImage
  /// The machine's RAM.
  public let memory: MemoryMap
  /// What is written where before the machine is switched on.
  public let plan: BootPlan

  /// - Parameters:
  ///   - image: the image's path.
  ///   - size: the machine's RAM.
  ///   - commandLine: the guest's command line.
  ///   - modules: as on the command line, `FILE[:STRING]`.
  ///   - start: what a person decided about how the image is started.
  /// - Throws: `GuestImageError` for a file, `MemoryError` for the memory size.
  public init(
    image path: String, memory size: MemorySize, commandLine: String, modules: [String],
    start: StartChoice = StartChoice()
  ) throws {
    image = try GuestImage(reading: path, start: start)
    memory = try MemoryMap(bytes: size.bytes)
    plan = try BootPlan(
      image: image, commandLine: commandLine, modules: modules.map(Self.readModule),
      memory: memory.bootRegions)
  }

  /// Splits `FILE[:STRING]` at the first colon and reads the file; without a string the guest sees the file's name.
  ///
  /// - Throws: `GuestImageError` if the file can't be read.
  public static func readModule(_ argument: String) throws(GuestImageError) -> BootPlan.Module {
    let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let file = String(parts[0])
    let string = parts.count > 1 ? String(parts[1]) : HostFile.baseName(file)
    return BootPlan.Module(file: file, bytes: try HostFile.read(file), string: string)
  }
}

extension MachineDescription {
  /// The preset called `name`, or the description in the file of that name.
  ///
  /// - Throws: `GuestImageError` if the file can't be read, `MachineDescriptionError` for what it says.
  public init(named name: String) throws {
    if let preset = Self.preset(named: name) {
      self = preset
      return
    }
    let bytes: [UInt8]
    do {
      bytes = try HostFile.read(name)
    } catch {
      let presets = Self.presets.map(\.description.name).joined(separator: ", ")
      throw GuestImageError(
        file: error.file, error.reason, error.problem,
        expected: "\(presets), or a YAML file that describes a machine")
    }
    try self.init(yaml: bytes, file: name)
  }
}
