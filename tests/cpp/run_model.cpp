// run_model FILE LAYERS CHANNELSxSLICES...: run one loaded module on several images at the same
// time, one thread per image. The k-th value of an image is sin(k). Prints channels, slices, the sum of
// the probabilities, and their sum weighted by cos(k), which changes if pixels are exchanged.

#include <torch/script.h>

#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Job {
    long channels{0};
    long slices{0};
    double sum{0};
    double weighted{0};
    std::string error;
};

void run(torch::jit::script::Module& module, int layers, Job& job)
{
    try {
        torch::NoGradGuard no_grad;
        const auto count = layers * job.channels * job.slices;
        const auto options = torch::TensorOptions().dtype(torch::kFloat64);
        auto image = torch::arange(count, options).sin().to(torch::kFloat32);
        image = image.view({1, layers, job.channels, job.slices});
        const auto output = module.forward({image}).toTensor();
        if (output.scalar_type() != torch::kFloat32 or not output.is_contiguous()) {
            throw std::runtime_error("the output is not contiguous float32");
        }
        if (output.sizes() != torch::IntArrayRef({1, 1, job.channels, job.slices})) {
            throw std::runtime_error("the output has another size than the image");
        }
        // The node copies the memory of the output in this order.
        const auto* values = static_cast<const float*>(output.data_ptr());
        const auto weights = torch::arange(output.numel(), options).cos();
        const auto* weight = static_cast<const double*>(weights.data_ptr());
        for (long k = 0; k < output.numel(); ++k) {
            job.sum += values[k];
            job.weighted += values[k] * weight[k];
        }
    }
    catch (const std::exception& error) {
        job.error = error.what();
    }
}

}  // namespace

int main(int argc, char* argv[])
{
    if (argc < 4) {
        std::fprintf(stderr, "usage: run_model FILE LAYERS CHANNELSxSLICES...\n");
        return 2;
    }
    try {
        auto module = torch::jit::load(argv[1], torch::kCPU);
        const int layers = std::stoi(argv[2]);
        std::vector<Job> jobs;
        for (int k = 3; k < argc; ++k) {
            const std::string size = argv[k];
            const auto cross = size.find('x');
            jobs.push_back({std::stol(size.substr(0, cross)), std::stol(size.substr(cross + 1))});
        }
        std::vector<std::thread> threads;
        for (auto& job : jobs) {
            threads.emplace_back([&] { run(module, layers, job); });
        }
        for (auto& thread : threads) {
            thread.join();
        }
        for (const auto& job : jobs) {
            if (not job.error.empty()) {
                throw std::runtime_error(job.error);
            }
            std::printf("%ld %ld %.9g %.9g\n", job.channels, job.slices, job.sum, job.weighted);
        }
    }
    catch (const std::exception& error) {
        std::fprintf(stderr, "run_model: %s\n", error.what());
        return 1;
    }
    return 0;
}
