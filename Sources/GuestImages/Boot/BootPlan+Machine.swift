import Emulator

extension BootPlan {
  /// Writes the plan into a machine that hasn't run yet. Its RAM is zero, so `zeroFills` hold already.
  ///
  /// - Throws: `MemoryError.notRAM` if the plan was made for another memory map.
  public func load(into memory: PhysicalMemory) throws(MemoryError) {
    for write in writes {
      let result: Result<Void, MemoryError> = write.bytes.withUnsafeBytes { bytes in
        do throws(MemoryError) {
          return .success(try memory.write(bytes, at: write.address))
        } catch {
          return .failure(error)
        }
      }
      try result.get()
    }
  }
}
