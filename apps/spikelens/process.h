#pragma once

namespace spikelens::app {

/// What the process needs before it does anything. A write that fails is an error to be told, not a signal: SIGPIPE and
/// SIGXFSZ are ignored. An error that escapes a library's thread ends the program with one sentence. (Standard
/// descriptors that are closed are taken, and too little address space is refused, before the libraries start: see
/// process.cpp.)
void prepare_process();

}  // namespace spikelens::app
