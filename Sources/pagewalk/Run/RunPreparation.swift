import Emulator
import GuestImages

/// Everything a run needs, read and checked before a machine is built: a mistake costs nothing but a sentence.
struct RunPreparation {
  let image: GuestImage
  let memory: MemoryMap
  let plan: BootPlan

  /// - Parameters:
  ///   - modules: as on the command line, `FILE[:STRING]`.
  /// - Throws: `GuestImageError` for a file, `MemoryError` for the memory size.
  init(image path: String, memory size: MemorySize, commandLine: String, modules: [String]) throws {
    image = try GuestImage(reading: path)
    memory = try MemoryMap(bytes: size.bytes)
    plan = try BootPlan(
      image: image, commandLine: commandLine, modules: modules.map(Self.readModule),
      memory: memory.bootRegions)
  }

  /// Splits `FILE[:STRING]` at the first colon and reads the file; without a string the guest sees the file's name.
  ///
  /// - Throws: `GuestImageError` if the file can't be read.
  static func readModule(_ argument: String) throws(GuestImageError) -> BootPlan.Module {
    let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let file = String(parts[0])
    let string = parts.count > 1 ? String(parts[1]) : HostFile.baseName(file)
    return BootPlan.Module(file: file, bytes: try HostFile.read(file), string: string)
  }
}
