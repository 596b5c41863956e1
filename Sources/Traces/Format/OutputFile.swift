import HostFiles

/// A trace's file while it is recorded: a new one grows in its place, and one that exists is replaced when the new one is
/// complete.
final class OutputFile {
  private let file: ReplacementFile

  /// - Throws: `TraceError` if it can't be made.
  init(creating path: String) throws(TraceError) {
    do throws(FileFailure) {
      file = try ReplacementFile(path, mode: .growingIfNew)
    } catch {
      throw TraceError(error)
    }
  }

  var length: UInt64 { file.length }
  /// Whether something was at the path before.
  var isReplacing: Bool { file.isBeside }
  /// Why writing failed; nothing is written from then on.
  var failure: TraceError? { file.failure.map(TraceError.init) }

  /// Writes all parts or, if the disk is full, none.
  func write(_ parts: [UInt8]...) {
    switch parts.count {
    case 1: file.write(parts[0])
    default: file.write(Array(parts.joined()))
    }
  }

  /// Brings everything to the disk, and to its place.
  ///
  /// - Returns: where the file is.
  /// - Throws: `TraceError` if anything was or is not written.
  func finish(_ place: TracePlacement) throws(TraceError) -> String {
    do throws(FileFailure) {
      switch place {
      case .inPlace:
        try file.finish()
        return file.path
      case .beside(let suffix): return try file.finishBeside(suffix: suffix)
      }
    } catch {
      throw TraceError(error)
    }
  }
}

extension TraceError {
  /// What went wrong with a file of the host.
  public init(_ failure: FileFailure) {
    self.init(file: failure.path, .unusableFile, failure.problem)
  }
}
