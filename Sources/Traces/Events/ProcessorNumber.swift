import Emulator

extension EventMoment {
  var processorNumber: UInt8 {
    get { 0 }
    set {}
  }
}
