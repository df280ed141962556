from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("changes", "0017_merge_content")]

    operations = [
        AddIndexConcurrently(
            model_name="branchcommit",
            index=models.Index(
                condition=models.Q(("merge_content__in", ["", "unknown"]), ("parents__len__gt", 1)),
                fields=["repository", "committed_at"],
                name="branch_commit_uncompared",
            ),
        ),
        AddIndexConcurrently(
            model_name="branchcommit",
            index=models.Index(
                condition=models.Q(("merge_content__in", ["resolved", "own"])),
                fields=["repository"],
                name="branch_commit_by_hand",
            ),
        ),
    ]
