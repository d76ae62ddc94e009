"""Pages that sum up runs: what is in their folders, without torch and without network."""

from roilab.reporting.find import ReportError, find_jobs, is_job
from roilab.reporting.job import Job, read_job
from roilab.reporting.run_page import leave_run_page, write_run_page
from roilab.reporting.summary_page import write_summary_page

__all__ = [
    "Job",
    "ReportError",
    "find_jobs",
    "is_job",
    "leave_run_page",
    "read_job",
    "write_run_page",
    "write_summary_page",
]
