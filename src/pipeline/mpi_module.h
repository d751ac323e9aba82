#pragma once

/// What the library of processes offers, which alone is linked with MPI (pipeline/ranks.h). Numbers and bytes alone
/// cross it, and one call at a time.
struct SpikelensMpi {
    const char* version;  ///< of Spikelens
    /// Joins the job; null, or what failed.
    const char* (*start)(int* number, int* count);
    /// A message to the first process, without waiting; false: the one before is still on its way.
    bool (*send)(const char* bytes, int size);
    /// The next message that has arrived, its size and who sent it; false: there is none. Longer ones are cut.
    bool (*receive)(char* bytes, int capacity, int* size, int* sender);
    /// Begin to pass bytes: from or to another process, or from one to all. They must stay until through() says true.
    void (*begin_receive)(void* bytes, int size, int sender);
    void (*begin_send)(const void* bytes, int size, int receiver);
    void (*begin_share)(void* bytes, int size, int sender);
    bool (*through)();
    /// Waits for all processes to leave the job.
    void (*finish)();
    /// Ends all processes of the job.
    void (*abort)(int status);
};

extern "C" const SpikelensMpi spikelens_mpi;
